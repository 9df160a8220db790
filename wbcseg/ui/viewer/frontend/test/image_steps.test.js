import { afterEach, beforeEach, test } from "node:test"
import assert from "node:assert/strict"
import { ImageSteps } from "../src/image_steps.js"
import { store } from "../src/image_store.js"

const RADIUS = 2
let viewer, steps, requests, count

// A strip as Python makes it: some images before and after the current one.
function show(number) {
  const numbers = [...Array(count).keys()].filter(n => Math.abs(n - number) <= RADIUS)
  viewer.props = { image_id: `set/${number}`, digest: `d${number}`, strip: numbers.map(n => ({ id: `set/${n}` })) }
  steps.receive(viewer.props.image_id)
}

beforeEach(() => {
  count = 20
  requests = []
  viewer = { field: { isShown: false }, onStep: () => {}, requestImage: id => requests.push(id) }
  steps = new ImageSteps(viewer)
  store.payloads.clear()
  show(5)
})

afterEach(() => steps.destroy())

test("one request is under way at a time, and the next one is for the image reached by then", () => {
  for (let i = 0; i < 2; i++) steps.step(1)
  assert.deepEqual(requests, ["set/6"])
  show(6)
  assert.deepEqual(requests, ["set/6", "set/7"])
  show(7)
  assert.equal(steps.currentId, "set/7")
  assert.equal(requests.length, 2)
})

test("no step of a held key is lost, also beyond the strip", () => {
  for (let i = 0; i < 9; i++) steps.step(1)
  for (let i = 0; i < 9 && requests.length > i; i++) show(Number(requests[i].slice(4)))
  assert.deepEqual(requests, ["set/6", "set/8", "set/10", "set/12", "set/14"])
  assert.equal(viewer.props.image_id, "set/14")
  assert.equal(steps.extraSteps, 0)
})

test("steps back cancel steps ahead", () => {
  for (const direction of [1, 1, 1, 1, -1, -1, -1]) steps.step(direction)
  for (let i = 0; i < 9 && requests.length > i; i++) show(Number(requests[i].slice(4)))
  assert.equal(viewer.props.image_id, "set/6")
})

test("steps end at the last image", () => {
  count = 8
  show(5)
  for (let i = 0; i < 9; i++) steps.step(1)
  for (let i = 0; i < 9 && requests.length > i; i++) show(Number(requests[i].slice(4)))
  assert.equal(viewer.props.image_id, "set/7")
  steps.step(1)
  assert.deepEqual([steps.sentId, steps.targetId, steps.extraSteps], [null, null, 0])
})

test("an image that is there is shown before Python answers", () => {
  store.payloads.set("ahead", { digest: "ahead", image_id: "set/6" })
  assert.equal(steps.digest, "d5")
  steps.step(1)
  assert.equal(steps.digest, "ahead")
  steps.step(1)
  assert.equal(steps.digest, "d5")
  viewer.field.isShown = true
  steps.step(-1)
  assert.equal(steps.digest, "d5")
})

test("a run of the page for another reason changes nothing", () => {
  steps.step(1)
  show(5)
  assert.equal(steps.currentId, "set/6")
  show(6)
  assert.equal(steps.currentId, "set/6")
  assert.deepEqual(requests, ["set/6"])
})

test("without an answer the image is asked for again, and in the end the page's image counts", t => {
  t.mock.timers.enable({ apis: ["setTimeout"] })
  steps.step(1)
  t.mock.timers.tick(5001)
  assert.deepEqual(requests, ["set/6", "set/6"])
  t.mock.timers.tick(5001)
  t.mock.timers.tick(5001)
  assert.equal(requests.length, 3)
  assert.equal(steps.currentId, "set/5")
})
