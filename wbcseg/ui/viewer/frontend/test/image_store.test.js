import { beforeEach, test } from "node:test"
import assert from "node:assert/strict"
import { MAX_PAYLOADS, decodePayload, getPayload, loadPanelMap, storePayload, store } from "../src/image_store.js"
import { encodeGreyPng } from "../src/png.js"

function makePayload(header, parts = {}) {
  const spans = {}, bodies = Object.entries(parts)
  let offset = 0
  for (const [name, body] of bodies) {
    spans[name] = [offset, body.length]
    offset += body.length
  }
  const json = new TextEncoder().encode(JSON.stringify({ ...header, parts: spans })), length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  return new Uint8Array(Buffer.concat([Buffer.from("WBP1"), length, json, ...bodies.map(([, body]) => Buffer.from(body))]))
}

beforeEach(() => store.payloads.clear())

test("a payload is split into its parts", () => {
  const payload = decodePayload(makePayload({ digest: "abc", title: "Zählung" }, { image: [1, 2, 3], mask: [], unet: [4] }))
  assert.equal(payload.digest, "abc")
  assert.equal(payload.title, "Zählung")
  assert.deepEqual(Object.entries(payload.parts).map(([name, part]) => [name, [...part]]), [["image", [1, 2, 3]], ["mask", []], ["unet", [4]]])
})

test("a payload within a larger buffer is read", () => {
  const bytes = makePayload({ digest: "abc" }, { image: [7] }), larger = new Uint8Array(bytes.length + 3)
  larger.set(bytes, 3)
  assert.deepEqual([...decodePayload(larger.subarray(3)).parts.image], [7])
})

test("other bytes are rejected", () => assert.throws(() => decodePayload(new Uint8Array(16)), /Not a payload/))

test("a payload is stored once and announced", () => {
  let count = 0
  const onPayload = () => count++
  store.events.addEventListener("payload", onPayload)
  storePayload(makePayload({ digest: "a" }))
  storePayload(makePayload({ digest: "a" }))
  store.events.removeEventListener("payload", onPayload)
  assert.equal(count, 1)
  assert.equal(store.payloads.size, 1)
})

test("the oldest payloads are dropped", () => {
  for (let i = 0; i < MAX_PAYLOADS + 2; i++) storePayload(makePayload({ digest: String(i) }))
  assert.equal(store.payloads.size, MAX_PAYLOADS)
  assert.equal(store.payloads.has("1"), false)
  assert.equal(store.payloads.has("2"), true)
})

test("a map after corrections is in a payload of its own, and until it arrives the model's is shown", async () => {
  const encode = async (...pixels) => [...new Uint8Array(await (await encodeGreyPng(2, 1, Uint8Array.from(pixels))).arrayBuffer())]
  storePayload(makePayload({ digest: "image" }, { unet: await encode(1, 2) }))
  const payload = store.payloads.get("image"), panel = { part: "unet", map_digest: "corrected" }
  assert.deepEqual([...(await loadPanelMap(payload, panel)).ids], [1, 2])
  storePayload(makePayload({ digest: "corrected" }, { unet: await encode(0, 2) }))
  assert.deepEqual([...(await loadPanelMap(payload, panel)).ids], [0, 2])
  assert.deepEqual([...(await loadPanelMap(payload, { part: "unet", map_digest: "" })).ids], [1, 2])
})

test("a payload in use is not dropped, however many follow", () => {
  storePayload(makePayload({ digest: "image" }))
  for (let i = 0; i < 2 * MAX_PAYLOADS; i++) {
    storePayload(makePayload({ digest: `map ${i}` }))
    assert.equal(getPayload("image").digest, "image")
  }
  assert.equal(store.payloads.size, MAX_PAYLOADS)
  assert.equal(getPayload("map 0"), null)
})
