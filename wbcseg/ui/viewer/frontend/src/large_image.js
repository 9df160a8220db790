// A large image: a shrunk one, and tiles that are fetched when they are in view and larger than it. It is drawn like an
// ImageBitmap, in pixels of the image.

const MAX_TILES = 80
const MAX_REQUESTS = 6

export class LargeImage {
  // overview: the shrunk image; fetchTile(level, column, row): a promise of a tile, or null to show the overview only;
  // onTile is called when one has arrived.
  constructor({ width, height, side, levels }, overview, fetchTile = null, onTile = () => {}) {
    Object.assign(this, { width, height, side, levels, overview, fetchTile, onTile })
    this.tiles = new Map()
    this.wanted = []
    this.requests = new Map()
  }

  draw(context, scale, viewport) {
    const smoothing = context.imageSmoothingEnabled
    context.imageSmoothingEnabled = true
    context.drawImage(this.overview, 0, 0, this.width, this.height)
    context.imageSmoothingEnabled = smoothing
    const places = this.listPlaces(scale, viewport)
    for (const place of places) {
      const tile = this.useTile(place.key)
      if (tile) context.drawImage(tile, place.x, place.y, tile.width << place.level, tile.height << place.level)
    }
    this.request(places)
  }

  clear() {
    for (const tile of this.tiles.values()) tile.close?.()
    this.tiles.clear()
  }

  // Returns a promise that the tiles of a view are there, or could not be fetched.
  async prepare(scale, viewport) {
    await Promise.all(this.listPlaces(scale, viewport).map(place => this.tiles.get(place.key) ?? this.fetch(place)))
  }

  // Lists the tiles that a view needs; none where the overview is as sharp.
  listPlaces(scale, viewport) {
    const level = chooseLevel(scale)
    if (!this.fetchTile || level >= this.levels) return []
    const side = this.side << level, places = []
    const last = (end, size) => Math.ceil(Math.min(end, size) / side)
    for (let row = Math.max(0, Math.floor(viewport.y / side)); row < last(viewport.bottom, this.height); row++) {
      for (let column = Math.max(0, Math.floor(viewport.x / side)); column < last(viewport.right, this.width); column++) {
        places.push({ level, column, row, x: column * side, y: row * side, key: `${level}/${column}/${row}` })
      }
    }
    return places
  }

  // Returns a tile. Those not used for longest are dropped.
  useTile(key) {
    const tile = this.tiles.get(key)
    if (!tile) return null
    this.tiles.delete(key)
    this.tiles.set(key, tile)
    return tile
  }

  // Fetches what is in view now, a few at a time; what has left the view before its turn is not fetched.
  request(places) {
    this.wanted = places.filter(({ key }) => !this.tiles.has(key) && !this.requests.has(key))
    while (this.wanted.length && this.requests.size < MAX_REQUESTS) this.fetch(this.wanted.shift())
  }

  fetch(place) {
    const running = this.requests.get(place.key)
    if (running) return running
    const request = this.fetchTile(place.level, place.column, place.row)
      .then(tile => this.add(place.key, tile), () => {})
      .finally(() => {
        this.requests.delete(place.key)
        if (this.wanted.length && this.requests.size < MAX_REQUESTS) this.fetch(this.wanted.shift())
      })
    this.requests.set(place.key, request)
    return request
  }

  add(key, tile) {
    this.tiles.set(key, tile)
    while (this.tiles.size > MAX_TILES) {
      const [oldest, bitmap] = this.tiles.entries().next().value
      bitmap.close?.()
      this.tiles.delete(oldest)
    }
    this.onTile()
  }
}

// Returns the level whose pixels are at least as small as those of the screen.
export function chooseLevel(scale) {
  return Math.max(0, Math.floor(Math.log2(1 / scale)))
}
