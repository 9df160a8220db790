import test from "node:test"
import assert from "node:assert/strict"
import { CAPTION, EMPTY, GAP, HEADER, findGroupAt, findInRectangle, findVisible, layoutGroups, locate, move } from "../src/grid_layout.js"
import { Operations } from "../src/operations.js"

const makeGroup = (type, count) => ({ type, title: `T${type}`, cells: Array.from({ length: count }, (_, i) => ({ key: `${type}.${i}` })) })
// Four columns of 50; rows are 50 + caption + gap high.
const WIDTH = 4 * (50 + GAP), ROW = 50 + CAPTION + GAP
const layout = layoutGroups([makeGroup(0, 6), makeGroup(1, 0), makeGroup(2, 3)], WIDTH, 50)

test("groups follow each other, empty ones too", () => {
  assert.equal(layout.columns, 4)
  assert.deepEqual(layout.groups.map(({ top, bottom }) => [top, bottom]), [
    [0, HEADER + 2 * ROW],
    [HEADER + 2 * ROW, 2 * HEADER + 2 * ROW + EMPTY],
    [2 * HEADER + 2 * ROW + EMPTY, 3 * HEADER + 3 * ROW + EMPTY],
  ])
  assert.equal(layoutGroups([makeGroup(0, 3)], 10, 50).columns, 1)
})

test("only tiles in view have elements, however many there are", () => {
  const large = layoutGroups([makeGroup(0, 2000)], WIDTH, 50)
  const visible = findVisible(large, 10_000, 10_600)
  assert.ok(visible.length <= 4 * Math.ceil(600 / ROW + 2))
  assert.ok(visible.every(({ y }) => y + ROW >= 10_000 && y <= 10_600))
  assert.equal(findVisible(layout, 0, layout.height).length, 9)
})

test("a place and back", () => {
  assert.deepEqual([locate(layout, "0.5").x, locate(layout, "0.5").y], [50 + GAP, HEADER + ROW])
  assert.equal(locate(layout, "none"), null)
  assert.equal(findGroupAt(layout, layout.groups[1].top + 3).type, 1)
  assert.equal(findGroupAt(layout, -5), null)
})

test("a rectangle selects what it touches", () => {
  const keys = (...box) => findInRectangle(layout, ...box).map(({ key }) => key)
  assert.deepEqual(keys(60, HEADER + 10, 130, HEADER + 20), ["0.1", "0.2"])
  assert.deepEqual(keys(130, HEADER + ROW + 5, 0, HEADER + 10), ["0.0", "0.1", "0.2", "0.4", "0.5"])
  // The gap and the caption are not part of a tile.
  assert.deepEqual(keys(51, HEADER + 5, 55, HEADER + 10), [])
  assert.deepEqual(keys(5, HEADER + 55, 10, HEADER + 60), [])
})

test("arrows lead through rows and groups", () => {
  const go = (key, direction) => move(layout, key, direction).key
  assert.equal(go("0.0", "right"), "0.1")
  assert.equal(go("0.0", "left"), "0.0")
  assert.equal(go("0.5", "right"), "2.0")
  assert.equal(go("0.1", "down"), "0.5")
  assert.equal(go("0.3", "down"), "0.5")
  assert.equal(go("0.5", "down"), "2.1")
  assert.equal(go("2.1", "up"), "0.5")
  assert.equal(go("2.2", "up"), "0.5")
  assert.equal(go("2.0", "down"), "2.0")
  assert.equal(move(layout, "gone", "down").key, "0.0")
  assert.equal(move(layoutGroups([], WIDTH, 50), "gone", "down"), null)
})

const before = (...keys) => new Map(keys.map(key => [key, { type: -1, isAssigned: false }]))
const expectedTypes = operations => [...operations.expected].map(([key, { type }]) => [key, type])

test("operations are sent until Python has done them", () => {
  const operations = new Operations("me")
  operations.file(["a", "b"], 3, before("a", "b"))
  operations.file(["b"], 1, new Map([["b", { type: 3, isAssigned: true }]]))
  assert.deepEqual(expectedTypes(operations), [["a", 3], ["b", 1]])
  assert.deepEqual(operations.message.list.map(({ n }) => n), [1, 2])
  assert.deepEqual(operations.message.list[1], { n: 2, kind: "set_type", keys: ["b"], type: 1 })
  operations.receive({ client: "me", done: 1, undo: 1, redo: 0 })
  assert.deepEqual(expectedTypes(operations), [["b", 1]])
  // What is on its way counts: it can be undone at once.
  assert.equal(operations.undoDepth, 2)
  operations.undo()
  assert.deepEqual([operations.undoDepth, operations.redoDepth], [1, 1])
  assert.deepEqual(expectedTypes(operations), [["b", 3]])
  operations.receive({ client: "me", done: 3, undo: 1, redo: 1 })
  assert.deepEqual([operations.pending.length, operations.undoDepth, operations.redoDepth], [0, 1, 1])
  operations.receive({ client: "other", done: 9, undo: 4, redo: 0 })
  assert.equal(operations.undoDepth, 4)
})

test("undo and redo show at once what they lead to", () => {
  const operations = new Operations("me")
  operations.file(["a"], 3, before("a"))
  operations.receive({ client: "me", done: 1, undo: 1, redo: 0 })
  operations.undo()
  assert.deepEqual(operations.expected.get("a"), { type: -1, isAssigned: false })
  operations.redo()
  assert.deepEqual(operations.expected.get("a"), { type: 3, isAssigned: true })
  // What was filed before a reload is known to Python alone.
  const later = new Operations("later")
  later.receive({ client: "me", done: 1, undo: 1, redo: 0 })
  later.undo()
  assert.equal(later.expected.size, 0)
  assert.deepEqual(later.message.list, [{ n: 1, kind: "undo" }])
})
