import { test } from "node:test"
import assert from "node:assert/strict"
import { Outlines, TILE_SIZE, chooseStep, forEachEdge } from "../src/outlines.js"
import { HIDDEN } from "../src/overlays.js"

function listEdges(width, height, ids) {
  const edges = []
  forEachEdge(width, height, Uint8Array.from(ids), (...edge) => edges.push(edge))
  return edges
}

test("a single pixel has four edges of its class", () => {
  const ids = [HIDDEN, HIDDEN, HIDDEN, HIDDEN, 2, HIDDEN, HIDDEN, HIDDEN, HIDDEN]
  assert.deepEqual(listEdges(3, 3, ids), [[2, 1, 1, 2, 1], [2, 1, 2, 2, 2], [2, 1, 1, 1, 2], [2, 2, 1, 2, 2]])
})

test("neighbouring pixels share one long edge", () => {
  const ids = [HIDDEN, HIDDEN, HIDDEN, 1, 1, 1]
  assert.deepEqual(listEdges(3, 2, ids), [[1, 0, 1, 3, 1]])
})

test("between two classes, the inner one has the outline", () => {
  assert.deepEqual(listEdges(2, 1, [1, 2]), [[2, 1, 0, 1, 1]])
  assert.deepEqual(listEdges(2, 1, [0, 1]), [[1, 1, 0, 1, 1]])
  assert.deepEqual(listEdges(2, 1, [HIDDEN, 0]), [[0, 1, 0, 1, 1]])
})

test("no edge where nothing changes", () => assert.deepEqual(listEdges(2, 2, [1, 1, 1, 1]), []))

test("edges are cut at tile borders", () => {
  const width = TILE_SIZE + 10, ids = new Uint8Array(2 * width).fill(HIDDEN)
  ids.fill(1, width)
  assert.deepEqual(listEdges(width, 2, ids), [[1, 0, 1, TILE_SIZE, 1], [1, TILE_SIZE, 1, width, 1]])
})

test("the step follows the scale", () => {
  assert.deepEqual([4, 1, 0.75, 0.5, 0.2, 0.1].map(chooseStep), [1, 1, 2, 2, 4, 8])
})

test("subsampling takes the middle of each block", () => {
  const ids = Uint8Array.from({ length: 16 }, (_, i) => (i === 5 || i === 7 || i === 13 || i === 15 ? 1 : 0))
  const outlines = new Outlines(4, 4, ids)
  assert.deepEqual(outlines.subsample(1), [4, 4, ids])
  assert.deepEqual(outlines.subsample(2), [2, 2, Uint8Array.of(1, 1, 1, 1)])
})

test("only tiles in view are drawn, each path with a rim and in its colour", t => {
  class FakePath {
    moveTo() {}
    lineTo() {}
  }
  globalThis.Path2D = FakePath
  t.after(() => delete globalThis.Path2D)
  const width = 2 * TILE_SIZE, ids = new Uint8Array(width * 2).fill(HIDDEN)
  ids.fill(1, width)
  const strokes = [], context = { save() {}, restore() {}, scale() {}, stroke() { strokes.push(this.strokeStyle) } }
  const outlines = new Outlines(width, 2, ids)
  outlines.draw(context, 4, { x: 0, y: 0, right: 20, bottom: 2 }, ["#000000", "#00ff00", "#0000ff"], 2)
  assert.deepEqual(strokes, ["rgba(0, 0, 0, 0.55)", "#00ff00"])
  outlines.draw(context, 4, { x: 0, y: 0, right: width, bottom: 2 }, ["#000000", "#00ff00", "#0000ff"], 2)
  assert.equal(strokes.length, 2 + 4)
})
