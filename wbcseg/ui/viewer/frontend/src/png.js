// PNG files without a canvas: some browsers return changed pixels from a canvas, because of colour management or noise
// against fingerprinting, and label maps must stay exact.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

// Decodes an 8-bit grey or RGB PNG without interlacing. Returns {width, height, channels, pixels}.
export async function decodePng(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks = []
  let offset = SIGNATURE.length, width = 0, height = 0, channels = 0
  while (offset < bytes.length) {
    const length = view.getUint32(offset), type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8))
    if (type === "IHDR") {
      width = view.getUint32(offset + 8)
      height = view.getUint32(offset + 12)
      channels = { 0: 1, 2: 3 }[bytes[offset + 17]]
      if (bytes[offset + 16] !== 8 || !channels || bytes[offset + 20]) throw new Error("Not an 8-bit grey or RGB PNG")
    } else if (type === "IDAT") chunks.push(bytes.subarray(offset + 8, offset + 8 + length))
    offset += length + 12
  }
  const stream = new Blob(chunks).stream().pipeThrough(new DecompressionStream("deflate"))
  const filtered = new Uint8Array(await new Response(stream).arrayBuffer())
  return { width, height, channels, pixels: unfilter(filtered, width * channels, height, channels) }
}

// Reverses the filters of PNG rows (PNG specification, section 9).
export function unfilter(filtered, stride, height, bytesPerPixel) {
  const out = new Uint8Array(stride * height)
  for (let y = 0, from = 0, to = 0; y < height; y++, to += stride) {
    const filter = filtered[from++], above = to - stride
    for (let x = 0; x < stride; x++) {
      const left = x < bytesPerPixel ? 0 : out[to + x - bytesPerPixel], up = y ? out[above + x] : 0
      let predicted = 0
      if (filter === 1) predicted = left
      else if (filter === 2) predicted = up
      else if (filter === 3) predicted = (left + up) >> 1
      else if (filter === 4) predicted = paeth(left, up, x < bytesPerPixel || !y ? 0 : out[above + x - bytesPerPixel])
      out[to + x] = filtered[from + x] + predicted
    }
    from += stride
  }
  return out
}

function paeth(left, up, upperLeft) {
  const estimate = left + up - upperLeft
  const toLeft = Math.abs(estimate - left), toUp = Math.abs(estimate - up), toUpperLeft = Math.abs(estimate - upperLeft)
  return toLeft <= toUp && toLeft <= toUpperLeft ? left : toUp <= toUpperLeft ? up : upperLeft
}

// Encodes an 8-bit grey PNG. Returns a Blob.
export async function encodeGreyPng(width, height, pixels) {
  const rows = new Uint8Array((width + 1) * height)
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1)
  const stream = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"))
  const body = new Uint8Array(await new Response(stream).arrayBuffer())
  const header = new Uint8Array(13), view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header[8] = 8
  const chunks = [encodeChunk("IHDR", header), encodeChunk("IDAT", body), encodeChunk("IEND", new Uint8Array())]
  return new Blob([Uint8Array.from(SIGNATURE), ...chunks], { type: "image/png" })
}

function encodeChunk(type, body) {
  const out = new Uint8Array(body.length + 12), view = new DataView(out.buffer)
  view.setUint32(0, body.length)
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i)
  out.set(body, 8)
  view.setUint32(body.length + 8, computeCrc32(out.subarray(4, body.length + 8)))
  return out
}

export function computeCrc32(bytes) {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
