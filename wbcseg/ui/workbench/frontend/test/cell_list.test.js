import test from "node:test"
import assert from "node:assert/strict"
import { describeCell, getCommonSquare, groupByType, passes, readCells, selectRange, sortCells, summarise } from "../src/cell_list.js"
import { decodePayload, getOutlines } from "../src/cell_store.js"

const types = ["Neutrophil", "Eosinophil", "Unsure"].map(title => ({ title, name: title.toLowerCase() }))
const statuses = [{ label: "No issues found" }, { label: "Review" }]

function makeCells(count = 6) {
  const each = make => Array.from({ length: count }, (_, i) => make(i))
  return readCells({
    types,
    images: ["a.png", "b.png"],
    columns: {
      key: each(i => `0.${i}`), image: each(i => i % 2), number: each(i => i + 1), predicted: each(i => i % 2),
      probabilities: each(i => [0.9 - 0.1 * i, 0.1 + 0.1 * i, 0]), status: each(i => (i === 2 ? 1 : 0)), reasons: each(() => []),
      corrected: each(() => 0), counted: each(() => 1), square: each(i => 10 + i), sheet: each(() => 0), slot: each(i => i),
      values: [each(i => (i === 3 ? null : 10 * i))],
    },
  })
}
const keys = cells => cells.map(({ key }) => Number(key.slice(2)))

test("cells are sorted, and those without a value are last in either direction", () => {
  const cells = makeCells()
  assert.deepEqual(keys(sortCells(cells, "feature:0", false)), [0, 1, 2, 4, 5, 3])
  assert.deepEqual(keys(sortCells(cells, "feature:0", true)), [5, 4, 2, 1, 0, 3])
  assert.deepEqual(keys(sortCells(cells, "confidence", false)), [1, 3, 4, 5, 2, 0])
  assert.equal(keys(sortCells(cells, "status", false))[0], 2)
  assert.deepEqual(keys(sortCells(cells, "image", false)), [0, 2, 4, 1, 3, 5])
})

test("an unsure cell has the probability of its likeliest type", () => {
  const cells = makeCells()
  cells[4].type = cells[5].type = 2
  assert.deepEqual(keys(sortCells(cells, "confidence", false)), [1, 3, 4, 5, 2, 0])
  assert.deepEqual(keys(cells.filter(cell => passes(cell, { types: [2], maxConfidence: 0.55 }))), [4])
  assert.equal(describeCell(cells[4], { types, statuses }), "a.png, cell 5: Unsure, perhaps Neutrophil 50 %: No issues found")
  assert.equal(describeCell({ ...cells[4], isAssigned: true }, { types, statuses }), "a.png, cell 5: Unsure, filed by a person: No issues found")
})

test("filters combine", () => {
  const cells = makeCells(), kept = filter => keys(cells.filter(cell => passes(cell, filter)))
  assert.deepEqual(kept({}), [0, 1, 2, 3, 4, 5])
  assert.deepEqual(kept({ types: [1] }), [1, 3, 5])
  assert.deepEqual(kept({ statuses: [1] }), [2])
  assert.deepEqual(kept({ image: 1, feature: 0, low: 20, high: null }), [5])
  assert.deepEqual(kept({ maxConfidence: 0.45 }), [1, 3])
  cells[4].isAssigned = true
  assert.deepEqual(kept({ refiled: true }), [4])
})

test("every type has a group, and cells without a type come first", () => {
  const cells = makeCells()
  cells[5].type = -1
  assert.deepEqual(groupByType(cells, types).map(({ title, cells }) => [title, cells.length]), [["No type yet", 1], ["Neutrophil", 3], ["Eosinophil", 2], ["Unsure", 0]])
})

test("ranges go either way", () => {
  const cells = makeCells()
  assert.deepEqual(selectRange(cells, "0.4", "0.2"), ["0.2", "0.3", "0.4"])
  assert.deepEqual(selectRange(cells, "gone", "0.2"), ["0.2"])
})

test("the distribution of a measurement among the cells of a type", () => {
  const cells = makeCells(12)
  const summary = summarise(cells, 0, 0)
  assert.deepEqual([summary.q1, summary.median, summary.q3, summary.count], [25, 50, 75, 6])
  assert.equal(summarise(cells, 2, 0), null)
})

test("tiles are at the scale of all but the largest cells", () => {
  const cells = makeCells(100)
  assert.equal(getCommonSquare(cells), 10 + 98)
  assert.equal(getCommonSquare([]), 1)
})

test("a label says what a screen reader needs", () => {
  const [, cell] = makeCells(), info = { types, statuses }
  assert.equal(describeCell(cell, info), "b.png, cell 2: Eosinophil 20 %: No issues found")
  assert.equal(describeCell({ ...cell, type: 0, isAssigned: true }, info), "b.png, cell 2: Neutrophil, filed by a person: No issues found")
  assert.equal(describeCell({ ...cell, type: -1, number: 0, status: -1 }, info), "b.png: No type yet")
})

test("a payload has its parts and outlines", () => {
  const header = new TextEncoder().encode(JSON.stringify({ digest: "d", extent: 192, rings: [[0, 2, 1]], parts: { outlines: [0, 6] } }))
  const bytes = new Uint8Array(8 + header.length + 6)
  bytes.set([0x57, 0x42, 0x50, 0x31, header.length & 255, header.length >> 8, 0, 0])
  bytes.set(header, 8)
  bytes.set([0, 192, 96, 48, 192, 0], 8 + header.length)
  const payload = decodePayload(bytes)
  assert.deepEqual(getOutlines(payload, 0), { cell: [[0, 1], [0.5, 0.25]], nuclei: [[[1, 0]]] })
  assert.throws(() => decodePayload(new Uint8Array(20)))
})
