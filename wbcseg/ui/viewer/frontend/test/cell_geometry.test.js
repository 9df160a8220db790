import { test } from "node:test"
import assert from "node:assert/strict"
import {
  computeBounds, computeDistanceToEdge, computeDistanceToSegment, computeSquare, containsPoint, measureInside,
  simplifyLine, simplifyPolygon,
} from "../src/cells/geometry.js"
import { formatCounts, selectCounted } from "../src/cells/region.js"

const square = (left, top, side) => [[left, top], [left + side, top], [left + side, top + side], [left, top + side]]

test("bounds enclose all points", () => {
  assert.deepEqual(computeBounds([[3, 9], [-1, 4], [2, 2]]), { left: -1, top: 2, right: 3, bottom: 9 })
})

test("a point is inside by the even-odd rule", () => {
  assert.equal(containsPoint(square(0, 0, 10), 5, 5), true)
  assert.equal(containsPoint(square(0, 0, 10), 11, 5), false)
  const ring = [...square(0, 0, 10), [0, 0], ...square(3, 3, 4), [3, 3]]
  assert.equal(containsPoint(ring, 5, 5), false)
  assert.equal(containsPoint(ring, 1.5, 5), true)
})

test("the distance is that from the nearest piece of the edge", () => {
  assert.equal(computeDistanceToSegment(3, 4, [0, 0], [0, 0]), 5)
  assert.equal(computeDistanceToSegment(5, 2, [0, 0], [10, 0]), 2)
  assert.equal(computeDistanceToEdge(square(0, 0, 10), 12, 5), 2)
  assert.equal(computeDistanceToEdge(square(0, 0, 10), 5, 1), 1)
})

test("the length of a line inside a polygon is measured", () => {
  assert.ok(Math.abs(measureInside([[-5, 5], [15, 5]], square(0, 0, 10)) - 10) < 0.6)
  assert.equal(measureInside([[-5, 20], [15, 20]], square(0, 0, 10)), 0)
  assert.ok(Math.abs(measureInside([[-5, 5], [5, 5], [5, 15]], square(0, 0, 10)) - 10) < 1.1)
})

test("a nearly straight line becomes straight, and corners stay", () => {
  assert.deepEqual(simplifyLine([[0, 0], [5, 0.4], [10, 0]], 1), [[0, 0], [10, 0]])
  assert.deepEqual(simplifyLine([[0, 0], [5, 0.2], [10, 0], [10.2, 5], [10, 10]], 1), [[0, 0], [10, 0], [10, 10]])
  assert.deepEqual(simplifyLine([[0, 0], [1, 1]], 1), [[0, 0], [1, 1]])
})

test("a polygon keeps its corners and never becomes a line", () => {
  const dense = [[0, 0], [5, 0.1], [10, 0], [10, 5], [10, 10], [5, 9.9], [0, 10], [0, 5]]
  assert.deepEqual(simplifyPolygon(dense, 1), square(0, 0, 10))
  assert.deepEqual(simplifyPolygon([[0, 0], [1, 0], [1, 1]], 50), [[0, 0], [1, 0], [1, 1]])
})

const size = { width: 100, height: 80 }
const makeCell = (left, top, more) => ({ id: left, outline: square(left, top, 10), centroid: [left + 5, top + 5], cut_off: false, ...more })
const whole = makeCell(40, 40), atTop = makeCell(20, 0, { cut_off: true }), atRight = makeCell(90, 30, { cut_off: true })
const atLeftAndBottom = makeCell(0, 70, { cut_off: true }), cells = [whole, atTop, atRight, atLeftAndBottom]

const all = { phrase: "", excluded_edges: [false, false, false, false] }
const twoEdges = { phrase: "by the two-edge rule", excluded_edges: [false, true, false, true] }
const complete = { phrase: "not cut by the edge", excluded_edges: [true, true, true, true] }

test("the edge rule says which cut off cells count", () => {
  assert.deepEqual(selectCounted(cells, null, all, size), cells)
  assert.deepEqual(selectCounted(cells, null, complete, size), [whole])
  assert.deepEqual(selectCounted(cells, null, twoEdges, size), [whole, atTop])
  assert.deepEqual(selectCounted(cells, null, { phrase: "", excluded_edges: [true, false, true, false] }, size), [whole, atRight])
})

test("a cell is in the region if its centroid is", () => {
  assert.deepEqual(selectCounted(cells, square(44, 44, 5), all, size), [whole])
  assert.deepEqual(selectCounted(cells, square(0, 0, 44), all, size), [atTop])
  assert.deepEqual(selectCounted(cells, square(0, 0, 50), complete, size), [whole])
})

test("the counts are in words, as Python writes them", () => {
  assert.equal(formatCounts([], null, all, size), "no white blood cells")
  assert.equal(formatCounts([whole], null, all, size), "1 white blood cell")
  assert.equal(formatCounts(cells, square(0, 0, 50), twoEdges, size), "4 white blood cells · 2 by the two-edge rule · 2 in the region")
  assert.equal(formatCounts(cells, null, complete, size), "4 white blood cells · 1 not cut by the edge")
})

test("the square around a box has the box in its middle", () => {
  assert.deepEqual(computeSquare([10, 20, 40, 20], 0), [10, 10, 40])
  const [left, top, side] = computeSquare([10, 20, 40, 20])
  assert.deepEqual([left + side / 2, top + side / 2, Math.round(side)], [30, 30, 52])
})
