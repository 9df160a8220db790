// Label and probability maps are read by a decoder of our own: a canvas gives its pixels back changed where a browser
// manages colours or adds noise against fingerprinting.

// Returns {width, height, channels, pixels} of a PNG of 8 bits, grey or RGB, not interlaced.
export async function decodePng(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const data = []
  let at = 8, width = 0, height = 0, channels = 0
  while (at < bytes.length) {
    const length = view.getUint32(at), type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (type === "IHDR") {
      width = view.getUint32(at + 8)
      height = view.getUint32(at + 12)
      channels = { 0: 1, 2: 3 }[bytes[at + 17]]
      if (bytes[at + 16] !== 8 || !channels || bytes[at + 20]) throw new Error("Not an 8-bit grey or RGB PNG")
    } else if (type === "IDAT") data.push(bytes.subarray(at + 8, at + 8 + length))
    at += length + 12
  }
  const stream = new Blob(data).stream().pipeThrough(new DecompressionStream("deflate"))
  const raw = new Uint8Array(await new Response(stream).arrayBuffer())
  return { width, height, channels, pixels: unfilter(raw, width * channels, height, channels) }
}

// Undoes the filters of PNG rows (PNG specification, section 9).
export function unfilter(raw, stride, height, step) {
  const out = new Uint8Array(stride * height)
  for (let y = 0, from = 0, to = 0; y < height; y++, to += stride) {
    const filter = raw[from++], up = to - stride
    for (let x = 0; x < stride; x++) {
      const left = x < step ? 0 : out[to + x - step], above = y ? out[up + x] : 0
      let guess = 0
      if (filter === 1) guess = left
      else if (filter === 2) guess = above
      else if (filter === 3) guess = (left + above) >> 1
      else if (filter === 4) guess = paeth(left, above, x < step || !y ? 0 : out[up + x - step])
      out[to + x] = raw[from + x] + guess
    }
    from += stride
  }
  return out
}

function paeth(left, above, corner) {
  const p = left + above - corner
  const l = Math.abs(p - left), a = Math.abs(p - above), c = Math.abs(p - corner)
  return l <= a && l <= c ? left : a <= c ? above : corner
}
