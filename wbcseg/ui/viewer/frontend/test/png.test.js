import { test } from "node:test"
import assert from "node:assert/strict"
import { deflateSync } from "node:zlib"
import { computeCrc32, decodePng, encodeGreyPng, unfilter } from "../src/png.js"

function chunk(type, body) {
  const out = Buffer.alloc(body.length + 12)
  out.writeUInt32BE(body.length, 0)
  out.write(type, 4, "latin1")
  Buffer.from(body).copy(out, 8)
  return out
}

function makePng({ width, height, colourType, bitDepth = 8, interlace = 0, rows }) {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([bitDepth, colourType, 0, 0, interlace], 8)
  const data = deflateSync(Buffer.from(rows))
  const half = data.length >> 1
  const chunks = [chunk("IHDR", header), chunk("tEXt", [1, 2]), chunk("IDAT", data.subarray(0, half)), chunk("IDAT", data.subarray(half))]
  return new Uint8Array(Buffer.concat([Buffer.alloc(8), ...chunks, chunk("IEND", [])]))
}

test("a grey PNG in several chunks is decoded", async () => {
  const png = makePng({ width: 3, height: 2, colourType: 0, rows: [0, 1, 2, 3, 0, 4, 5, 6] })
  assert.deepEqual(await decodePng(png), { width: 3, height: 2, channels: 1, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) })
})

test("an RGB PNG that begins within a larger buffer is decoded", async () => {
  const png = makePng({ width: 2, height: 1, colourType: 2, rows: [1, 10, 20, 30, 1, 1, 1] })
  const larger = new Uint8Array(png.length + 5)
  larger.set(png, 5)
  const { channels, pixels } = await decodePng(larger.subarray(5))
  assert.equal(channels, 3)
  assert.deepEqual([...pixels], [10, 20, 30, 11, 21, 31])
})

for (const [name, options] of Object.entries({
  "16 bits": { bitDepth: 16, colourType: 0 },
  "a palette": { colourType: 3 },
  "an alpha channel": { colourType: 6 },
  interlacing: { colourType: 0, interlace: 1 },
})) {
  test(`a PNG with ${name} is rejected`, async () => {
    const png = makePng({ width: 1, height: 1, rows: [0, 0], ...options })
    await assert.rejects(decodePng(png), /Not an 8-bit grey or RGB PNG/)
  })
}

test("each row filter is reversed", () => {
  // Rows of 3 pixels; worked by hand from the PNG specification, section 9.
  const rows = [
    [0, 10, 20, 30], // none
    [1, 1, 1, 1], // left: 1 2 3
    [2, 5, 5, 5], // up: 6 7 8
    [3, 1, 1, 1], // mean of left and up: 1+3, 1+(4+7)/2, 1+(6+8)/2
    [4, 1, 1, 1], // Paeth
  ]
  const pixels = unfilter(Uint8Array.from(rows.flat()), 3, 5, 1)
  assert.deepEqual([...pixels.subarray(0, 3)], [10, 20, 30])
  assert.deepEqual([...pixels.subarray(3, 6)], [1, 2, 3])
  assert.deepEqual([...pixels.subarray(6, 9)], [6, 7, 8])
  assert.deepEqual([...pixels.subarray(9, 12)], [4, 6, 8])
  // Paeth: (0, 4, 0) → 4; (5, 6, 4) → 7 is nearest to 6; (7, 8, 6) → 9 is nearest to 8.
  assert.deepEqual([...pixels.subarray(12, 15)], [5, 7, 9])
})

test("filters use the pixel to the left, not the byte", () => {
  assert.deepEqual([...unfilter(Uint8Array.of(1, 1, 2, 3, 1, 1, 1), 6, 1, 3)], [1, 2, 3, 2, 3, 4])
})

test("values wrap at 256", () => {
  assert.deepEqual([...unfilter(Uint8Array.of(1, 200, 100), 2, 1, 1)], [200, 44])
})

test("CRC-32 has the standard check value", () => {
  assert.equal(computeCrc32(new TextEncoder().encode("123456789")), 0xcbf43926)
})

test("an encoded grey PNG is decoded to the same pixels, with valid checksums", async () => {
  const pixels = Uint8Array.from({ length: 35 }, (_, i) => (i * 37) % 256)
  const blob = await encodeGreyPng(7, 5, pixels), bytes = new Uint8Array(await blob.arrayBuffer())
  assert.equal(blob.type, "image/png")
  assert.deepEqual(await decodePng(bytes), { width: 7, height: 5, channels: 1, pixels })
  const view = new DataView(bytes.buffer)
  for (let offset = 8; offset < bytes.length; ) {
    const length = view.getUint32(offset)
    assert.equal(view.getUint32(offset + 8 + length), computeCrc32(bytes.subarray(offset + 4, offset + 8 + length)))
    offset += length + 12
  }
})
