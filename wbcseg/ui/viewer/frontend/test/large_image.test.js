import { beforeEach, test } from "node:test"
import assert from "node:assert/strict"
import { LargeImage, chooseLevel } from "../src/large_image.js"

const SPEC = { width: 6000, height: 4000, side: 512, levels: 2 }
let fetched, image, drawn, pending

function draw(scale, viewport) {
  drawn = []
  image.draw({ drawImage: (bitmap, ...place) => drawn.push([bitmap.name, ...place]) }, scale, viewport)
}

// Lets the browser answer, until nothing is asked for any more.
async function answer() {
  while (pending.length) {
    for (const resolve of pending.splice(0)) resolve()
    await new Promise(resolve => setImmediate(resolve))
  }
}

beforeEach(() => {
  fetched = []
  pending = []
  const fetchTile = (level, column, row) => {
    fetched.push(`${level}/${column}/${row}`)
    return new Promise(resolve => pending.push(() => resolve({ name: `${level}/${column}/${row}`, width: 512, height: 512, close() {} })))
  }
  image = new LargeImage(SPEC, { name: "overview" }, fetchTile)
})

test("the whole image is drawn from the shrunk one, and nothing is fetched", () => {
  draw(0.2, { x: 0, y: 0, right: 6000, bottom: 4000 })
  assert.deepEqual(drawn, [["overview", 0, 0, 6000, 4000]])
  assert.deepEqual(fetched, [])
})

test("zoomed in, the tiles in view are fetched and drawn over it", async () => {
  draw(1, { x: 1000, y: 500, right: 1500, bottom: 600 })
  assert.deepEqual(fetched, ["0/1/0", "0/2/0", "0/1/1", "0/2/1"])
  await answer()
  draw(1, { x: 1000, y: 500, right: 1500, bottom: 600 })
  assert.deepEqual(drawn.slice(1, 3), [["0/1/0", 512, 0, 512, 512], ["0/2/0", 1024, 0, 512, 512]])
  assert.equal(fetched.length, 4)
})

test("at half the size, a tile of level 1 covers four of level 0", async () => {
  draw(0.5, { x: 0, y: 0, right: 1024, bottom: 1024 })
  assert.deepEqual(fetched, ["1/0/0"])
  await answer()
  draw(0.5, { x: 0, y: 0, right: 1024, bottom: 1024 })
  assert.deepEqual(drawn[1], ["1/0/0", 0, 0, 1024, 1024])
})

test("the level's pixels are at most as large as the screen's", () => {
  assert.deepEqual([8, 1, 0.6, 0.5, 0.3, 0.25].map(chooseLevel), [0, 0, 0, 1, 1, 2])
})

test("tiles end at the image, and few are fetched at once", async () => {
  draw(1, { x: -900, y: -900, right: 9000, bottom: 9000 })
  assert.equal(fetched.length, 6)
  await answer()
  assert.equal(fetched.length, 12 * 8)
  assert.ok(fetched.includes("0/11/7"))
  assert.equal(image.tiles.size, 80)
})

test("what has left the view before its turn is not fetched", async () => {
  draw(1, { x: 0, y: 0, right: 6000, bottom: 4000 })
  draw(1, { x: 5990, y: 3990, right: 6000, bottom: 4000 })
  await answer()
  assert.equal(fetched.length, 7)
  assert.ok(fetched.includes("0/11/7"))
})

test("a tile that could not be fetched is asked for again at the next drawing", async () => {
  let count = 0
  image = new LargeImage(SPEC, { name: "overview" }, () => (count++, Promise.reject(new Error("offline"))))
  for (let i = 0; i < 2; i++) {
    draw(1, { x: 0, y: 0, right: 10, bottom: 10 })
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.equal(count, 2)
})

test("a drawing to be saved waits for its tiles", async () => {
  let isReady = false
  const ready = image.prepare(1, { x: 0, y: 0, right: 600, bottom: 10 }).then(() => (isReady = true))
  assert.equal(isReady, false)
  await answer()
  await ready
  assert.equal(image.tiles.size, 2)
})
