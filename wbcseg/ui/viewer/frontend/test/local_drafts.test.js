import { beforeEach, test } from "node:test"
import assert from "node:assert/strict"
import { copyMap, deleteDraft, loadDraft, saveDraft } from "../src/local_drafts.js"

class FakeStorage extends Map {
  setItem(key, value) {
    if (this.isFull) throw new Error("QuotaExceededError")
    this.set(key, value)
  }
  getItem(key) {
    return this.get(key) ?? null
  }
  removeItem(key) {
    this.delete(key)
  }
}

const makeMap = () => ({
  width: 3, height: 1, ids: Uint8Array.of(0, 1, 2), cytoplasm: Uint8Array.of(9, 200, 20), nucleus: Uint8Array.of(1, 30, 220),
})

beforeEach(() => (globalThis.sessionStorage = new FakeStorage()))

test("a draft is loaded as it was saved, on top of the model's probabilities", () => {
  const edited = makeMap()
  edited.ids[0] = 2
  assert.equal(saveDraft("abc", "unet-16", edited), true)
  const loaded = loadDraft("abc", "unet-16", makeMap())
  assert.deepEqual([...loaded.ids], [2, 1, 2])
  assert.deepEqual([...loaded.nucleus], [255, 30, 220])
  assert.deepEqual([...loaded.cytoplasm], [0, 200, 20])
})

test("drafts belong to an image and a model", () => {
  saveDraft("abc", "unet-16", makeMap())
  assert.equal(loadDraft("abc", "segnet-16", makeMap()), null)
  assert.equal(loadDraft("def", "unet-16", makeMap()), null)
})

test("a deleted draft is gone", () => {
  saveDraft("abc", "unet-16", makeMap())
  deleteDraft("abc", "unet-16")
  assert.equal(loadDraft("abc", "unet-16", makeMap()), null)
})

test("a draft of another size is ignored", () => {
  saveDraft("abc", "unet-16", { ids: Uint8Array.of(1, 1) })
  assert.equal(loadDraft("abc", "unet-16", makeMap()), null)
})

test("a full storage is reported", () => {
  sessionStorage.isFull = true
  assert.equal(saveDraft("abc", "unet-16", makeMap()), false)
})

test("a copy does not change the original", () => {
  const map = makeMap(), copy = copyMap(map)
  copy.ids[0] = 2
  copy.nucleus[0] = 255
  assert.deepEqual(map, makeMap())
})
