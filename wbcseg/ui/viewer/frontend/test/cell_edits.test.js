import { test } from "node:test"
import assert from "node:assert/strict"
import { CellEdits, MAX_RESULTS, describeEdit, normaliseEdit, predictCells } from "../src/cells/cell_edits.js"

const cell = id => ({ id, number: id })
const remove = (...ids) => normaliseEdit({ kind: "delete", ids })
const add = (x, y) => normaliseEdit({ kind: "add_point", points: [[x, y]] })
const getIds = edits => edits.getShown().cells.map(({ id }) => id)

function setUp() {
  const edits = new CellEdits()
  assert.equal(edits.receive([], [cell(1), cell(2)], null), "settled")
  return edits
}

test("an edit has all its keys and coordinates with one decimal", () => {
  assert.deepEqual(normaliseEdit({ kind: "add_point", points: [[1.26, 3]] }), { kind: "add_point", ids: [], points: [[1.3, 3]], box: null })
  assert.deepEqual(normaliseEdit({ kind: "add_box", box: [0.04, 1, 2.25, 3] }).box, [0, 1, 2.3, 3])
})

test("a deleted cell disappears at once, before Python has answered", () => {
  const edits = setUp()
  edits.add(remove(1))
  assert.deepEqual(getIds(edits), [2])
  assert.equal(edits.isPending, true)
  assert.equal(edits.receive([remove(1)], [cell(2)], null), "settled")
  assert.equal(edits.isPending, false)
})

test("an added cell is pending until Python's result arrives", () => {
  const edits = setUp()
  edits.add(add(5, 6))
  assert.deepEqual(edits.getShown().pending, [add(5, 6)])
  edits.receive([add(5, 6)], [cell(1), cell(2), cell(3)], null)
  assert.deepEqual(edits.getShown(), { cells: [cell(1), cell(2), cell(3)], pending: [], isSettled: true })
})

test("undo and redo show known results at once", () => {
  const edits = setUp()
  edits.add(add(5, 6))
  edits.receive([add(5, 6)], [cell(1), cell(2), cell(3)], null)
  assert.deepEqual(edits.undo(), add(5, 6))
  assert.deepEqual(getIds(edits), [1, 2])
  assert.deepEqual(edits.redo(), add(5, 6))
  assert.deepEqual(getIds(edits), [1, 2, 3])
  assert.equal(edits.redo(), null)
})

test("a new edit empties the redo stack", () => {
  const edits = setUp()
  edits.add(remove(1))
  edits.undo()
  edits.add(remove(2))
  assert.equal(edits.canRedo, false)
  assert.equal(edits.undo() && edits.undo(), null)
})

test("edits made while Python computes are kept", () => {
  const edits = setUp()
  edits.add(remove(1))
  edits.add(add(5, 6))
  assert.equal(edits.receive([remove(1)], [cell(2)], null), "waiting")
  assert.equal(edits.list.length, 2)
  assert.deepEqual(getIds(edits), [2])
  assert.equal(edits.receive([remove(1), add(5, 6)], [cell(2), cell(3)], null), "settled")
  assert.deepEqual(getIds(edits), [2, 3])
})

test("a run that had begun before the edit does not take it back", () => {
  const edits = setUp()
  edits.add(remove(1))
  assert.equal(edits.receive([], [cell(1), cell(2)], null), "waiting")
  assert.deepEqual(getIds(edits), [2])
})

test("an edit that does nothing is taken back when Python says why", () => {
  const edits = setUp()
  edits.add(add(5, 6))
  assert.equal(edits.receive([], [cell(1), cell(2)], "no cell there"), "rejected")
  assert.deepEqual([edits.list, edits.isPending], [[], false])
  assert.deepEqual(edits.getShown(), { cells: [cell(1), cell(2)], pending: [], isSettled: true })
})

test("after a reload the list is that which Python returns", () => {
  const edits = new CellEdits()
  edits.receive([remove(1), add(5, 6)], [cell(2), cell(3)], null)
  assert.deepEqual(edits.list, [remove(1), add(5, 6)])
  assert.equal(edits.canUndo, true)
  edits.undo()
  // The result of the shorter list is not known yet: what is known stays.
  assert.deepEqual(getIds(edits), [2, 3])
})

test("equal edits written by Python and by the browser are the same", () => {
  const edits = setUp()
  edits.add({ kind: "delete", ids: [1], points: [], box: null })
  assert.equal(edits.receive([{ box: null, points: [], ids: [1], kind: "delete" }], [cell(2)], null), "settled")
})

test("the number of results kept is bounded", () => {
  const edits = setUp()
  for (let i = 0; i < MAX_RESULTS + 5; i++) edits.keepResult(String(i), [])
  assert.equal(edits.results.size, MAX_RESULTS)
})

test("cells being split or merged are marked", () => {
  const merged = predictCells([cell(1), cell(2), cell(3)], [{ kind: "merge", ids: [1, 3] }])
  assert.deepEqual(merged.map(one => Boolean(one.isPending)), [true, false, true])
})

test("after a deletion the numbers have no gap, and undo brings them back", () => {
  const edits = new CellEdits()
  edits.receive([], [cell(1), cell(2), cell(3), cell(4)], null)
  const getNumbers = () => edits.getShown().cells.map(({ id, number }) => [id, number])
  edits.add(remove(2))
  assert.deepEqual(getNumbers(), [[1, 1], [3, 2], [4, 3]])
  edits.add(remove(3))
  assert.deepEqual(getNumbers(), [[1, 1], [4, 2]])
  edits.undo()
  edits.undo()
  assert.deepEqual(getNumbers(), [[1, 1], [2, 2], [3, 3], [4, 4]])
})

test("an edit is described by the numbers of its cells", () => {
  const numbers = new Map([[11, 1], [12, 2]])
  assert.equal(describeEdit(remove(11), numbers).done, "Cell 1 deleted")
  assert.equal(describeEdit({ kind: "merge", ids: [11, 12] }, numbers).done, "Cells 1, 2 merged")
  assert.equal(describeEdit(add(1, 2), numbers).done, "Cell added")
  assert.equal(describeEdit({ kind: "split", ids: [] }, numbers).done, "Cell split")
})

test("a type that a person gave stays in the list", () => {
  const edit = normaliseEdit({ kind: "set_type", ids: [11], type: "monocyte" })
  assert.equal(edit.type, "monocyte")
  assert.equal("type" in normaliseEdit({ kind: "delete", ids: [11], type: "" }), false)
  assert.deepEqual(normaliseEdit(edit), edit)
  assert.equal(describeEdit(edit, new Map([[11, 1]])).done, "Cell 1: monocyte")
})
