import { beforeEach, test } from "node:test"
import assert from "node:assert/strict"
import { Keeper } from "../src/keeper.js"
import { findUnusedFiles } from "../src/kept_store.js"

// A database in memory, as KeptStore is to its users.
class MemoryStore {
  constructor() {
    Object.assign(this, { files: new Map(), records: new Map(), isFull: false })
  }

  async listRecords() {
    return [...this.records.values()].sort((a, b) => b.time - a.time)
  }

  async listFileKeys() {
    return new Set(this.files.keys())
  }

  async getFile(key) {
    return this.files.get(key)
  }

  async putFile(key, blob) {
    if (this.isFull) throw Object.assign(new Error("full"), { name: "QuotaExceededError" })
    this.files.set(key, blob)
  }

  async putRecord(record) {
    this.records.set(record.id, record)
    for (const key of findUnusedFiles(this.files.keys(), [...this.records.values()])) this.files.delete(key)
  }

  async clear() {
    this.records.clear()
    this.files.clear()
  }
}

const FILE = { key: "k1", name: "a.png", page: "batch", size: 10 }, OTHER = { key: "k2", name: "b.png", page: "batch", size: 10 }
const CORRECTED = { corrections: [["image", {}]], choices: {} }, NO_STATE = { corrections: [], choices: {} }
let store, shown, messages, sent, isOnline

function createTab(tabId = "tab", isOn = true) {
  const remote = {
    fetch: async key => `bytes of ${key}`,
    send: async (key, blob) => {
      if (!isOnline) throw new Error("offline")
      sent.push([key, blob])
      return true
    },
  }
  return new Keeper({ store, remote, tabId, isOn, onRestored: message => messages.push(message), show: status => shown.push(status), now: () => 7 })
}

const props = (token, files = [], state = NO_STATE, restored = null) => ({ token, files, state, restored })

beforeEach(() => {
  store = new MemoryStore()
  Object.assign(globalThis, {})
  shown = []
  messages = []
  sent = []
  isOnline = true
})

test("nothing is kept unless it is switched on", async () => {
  const tab = createTab("tab", false)
  await tab.update(props("t1", [FILE]))
  assert.equal(store.files.size + store.records.size, 0)
  assert.equal(shown.at(-1).kind, "off")
  await tab.switch(true)
  assert.deepEqual([...store.files], [["k1", "bytes of k1"]])
  assert.deepEqual([shown.at(-1).kind, shown.at(-1).count, shown.at(-1).bytes], ["kept", 1, 10])
})

test("a reload restores files and corrections, and does not overwrite them meanwhile", async () => {
  await createTab().update(props("t1", [FILE], CORRECTED))
  const reloaded = createTab()
  await reloaded.update(props("t2"))
  assert.deepEqual(sent, [["k1", "bytes of k1"]])
  assert.deepEqual(messages, [{ id: "7", files: [FILE], state: CORRECTED }])
  // A run that began before the answer has nothing yet.
  await reloaded.update(props("t2"))
  assert.deepEqual(store.records.get("tab").files, [FILE])
  await reloaded.update(props("t2", [FILE], CORRECTED, { id: "7", files: 1, corrections: 1 }))
  assert.equal(shown.at(-1).restored.files, 1)
  assert.deepEqual(store.records.get("tab").state, CORRECTED)
})

test("what is discarded is no longer kept", async () => {
  const tab = createTab()
  await tab.update(props("t1", [FILE, OTHER]))
  await tab.update(props("t1", [OTHER]))
  assert.deepEqual([...store.files.keys()], ["k2"])
  await tab.update(props("t1"))
  assert.equal(store.files.size, 0)
})

test("the files of edited masks are kept, and are no uploads", async () => {
  const image = { key: "k3", name: "Cell", page: "training set", size: 5 }, mask = { ...image, key: "k4" }
  const state = { ...NO_STATE, masks: [{ image_key: "k3", mask_key: "k4" }] }
  const tab = createTab()
  await tab.update(props("t1", [FILE, { ...FILE, page: "segment" }, image, mask], state))
  assert.deepEqual([...store.files.keys()], ["k1", "k3", "k4"])
  assert.deepEqual([shown.at(-1).count, shown.at(-1).masks, shown.at(-1).bytes], [1, 1, 20])
  await createTab().update(props("t2"))
  assert.deepEqual(messages[0].state, state)
  assert.deepEqual(sent.map(([key]) => key).sort(), ["k1", "k1", "k3", "k4"])
})

test("a drawn mask is counted as an edited mask only", async () => {
  const drawn = ["image", { edits: [{ kind: "paint", mask: "1" }], region: null }]
  const state = { ...NO_STATE, corrections: [drawn, ["other", { edits: [{ kind: "delete" }] }]], masks: [{}] }
  await createTab().update(props("t1", [FILE], state))
  assert.deepEqual([shown.at(-1).corrections, shown.at(-1).masks], [1, 1])
})

test("two tabs keep their own, and share the files", async () => {
  const first = createTab("one"), second = createTab("two")
  await first.update(props("t1", [FILE]))
  await second.update(props("t2", [FILE, OTHER]))
  await first.update(props("t1"))
  assert.deepEqual([...store.files.keys()], ["k1", "k2"])
  const reloaded = createTab("two")
  await reloaded.update(props("t3"))
  assert.deepEqual(messages[0].files, [FILE, OTHER])
})

test("a new tab offers what a closed one has kept", async () => {
  await createTab("one").update(props("t1", [FILE]))
  const tab = createTab("two")
  await tab.update(props("t2"))
  assert.equal(messages.length, 0)
  assert.equal(shown.at(-1).other.id, "one")
  await tab.adopt(shown.at(-1).other)
  assert.deepEqual(messages[0].files, [FILE])
})

test("a full browser keeps what it can and says which files it does not", async () => {
  const tab = createTab()
  await tab.update(props("t1", [FILE]))
  store.isFull = true
  await tab.update(props("t1", [FILE, OTHER]))
  assert.deepEqual(shown.at(-1).notKept, ["b.png"])
  assert.deepEqual(store.records.get("tab").files, [FILE])
  store.isFull = false
  await tab.update(props("t1", [FILE, OTHER]))
  assert.deepEqual(shown.at(-1).notKept, [])
})

test("too many bytes are not kept", async () => {
  await createTab().update(props("t1", [{ ...FILE, size: 2 ** 28 }, { ...OTHER, size: 1 }]))
  assert.deepEqual(shown.at(-1).notKept, ["b.png"])
})

test("without a connection nothing is lost, and it can be tried again", async () => {
  await createTab().update(props("t1", [FILE]))
  const tab = createTab()
  isOnline = false
  await tab.update(props("t2"))
  assert.equal(shown.at(-1).kind, "failed")
  assert.deepEqual(store.records.get("tab").files, [FILE])
  isOnline = true
  tab.schedule()
  await tab.queue
  assert.equal(messages.length, 1)
})

test("after the server has forgotten the visit, what was kept comes back into the same page", async () => {
  const tab = createTab()
  await tab.update(props("t1", [FILE]))
  await tab.update(props("t2"))
  assert.deepEqual(messages[0].files, [FILE])
})

test("after the server has forgotten the visit, the page says what is gone", async () => {
  const tab = createTab("tab", false)
  await tab.update(props("t1", [FILE, OTHER]))
  await tab.update(props("t2"))
  assert.equal(shown.at(-1).lostCount, 2)
  await tab.update(props("t2", [FILE]))
  assert.equal(shown.at(-1).lostCount, 0)
})

test("clearing removes everything, of all tabs", async () => {
  const tab = createTab("one")
  await tab.update(props("t1", [FILE]))
  await createTab("two").update(props("t2", [OTHER]))
  await tab.clear()
  assert.equal(store.files.size + store.records.size, 0)
  await tab.update(props("t1", [FILE]))
  assert.equal(store.files.size, 0)
})
