import { beforeEach, test } from "node:test"
import assert from "node:assert/strict"
import { createState } from "../src/state.js"
import { Field } from "../src/cells/field.js"
import { store } from "../src/image_store.js"

// As much of a document as the toolbar needs.
function makeNode() {
  const attributes = {}
  return {
    attributes, dataset: {}, options: [], children: [], hidden: false, textContent: "", classList: { toggle() {} },
    setAttribute(name, value) { attributes[name] = value; if (name.startsWith("data-")) this.dataset[name.slice(5)] = value },
    addEventListener() {}, append(...children) { this.children.push(...children) }, replaceChildren(...children) { this.options = this.children = children },
    querySelectorAll: () => [],
  }
}
globalThis.document = { createElement: makeNode, createElementNS: makeNode }
globalThis.Option = class { constructor(text, value) { Object.assign(this, { text, value }) } }

const makeCell = (id, x, y) => ({
  id, number: id, centroid: [x, y], nuclei: [], status: "ok", status_label: "No issues found", origin: "model", cut_off: false,
  outline: [[x - 10, y - 10], [x + 10, y - 10], [x + 10, y + 10], [x - 10, y + 10]],
})
const remove = (...ids) => ({ kind: "delete", ids, points: [], box: null })
const cells = [makeCell(1, 30, 50), makeCell(2, 60, 50), makeCell(3, 150, 50)]

let said, sent, viewer, field

const RULES = [
  { key: "all", title: "All cells", phrase: "", excluded_edges: [false, false, false, false] },
  { key: "two_edges", title: "Two-edge rule", phrase: "by the two-edge rule", excluded_edges: [false, true, false, true] },
]

function makeProps(more = {}, { edge_rule = "all", image_id = "upload/a" } = {}) {
  const panel = { key: "unet", kind: "model", cells, edits: [], problem: null, region: null, count_text: "counted by Python", ...more }
  return {
    digest: "d1", image_id, edge_rule, edge_rules: RULES,
    panels: [{ key: "image", kind: "image", cells: null }, panel],
  }
}

function receive(more, rest) {
  viewer.props = makeProps(more, rest)
  field.update()
}

beforeEach(t => {
  said = []
  sent = []
  viewer = {
    state: createState(), style: "outline", panels: [], swipe: {}, grid: makeNode(), editor: null, props: null, draw() {}, onViewChanged() {},
    announce: text => said.push(text), setTriggerValue: (...value) => sent.push(structuredClone(value)), setState(changes) { Object.assign(viewer.state, changes) },
  }
  field = new Field(viewer)
  viewer.props = makeProps()
  const canvas = { clientWidth: 400, clientHeight: 200, focus() {} }
  viewer.panels = [{ key: "unet", image: { width: 200, height: 100 }, canvas, cellLayer: field.getLayer("unet"), showCells(text) { this.cellCount = text } }]
  field.update()
  viewer.panels[0].cellLayer = field.getLayer("unet")
  field.refresh()
  t.after?.(() => field.destroy())
})

const count = () => viewer.panels[0].cellCount

test("the whole list is sent, with the image, the model, the region and the edge rule", () => {
  field.apply({ kind: "delete", ids: [2] })
  field.apply({ kind: "add_point", points: [[100.04, 20]] })
  const [name, value] = sent.at(-1)
  assert.equal(name, "edits")
  assert.deepEqual(value, {
    digest: "d1", model: "unet", region: null, edge_rule: "all",
    list: [remove(2), { kind: "add_point", ids: [], points: [[100, 20]], box: null }],
  })
  field.destroy()
})

test("a deleted cell is gone at once, and the result is announced when it arrives", () => {
  field.apply({ kind: "delete", ids: [2] })
  assert.equal(count(), "2 white blood cells")
  assert.deepEqual(said, ["Cell 2 deleted"])
  receive({ cells: [cells[0], cells[2]], edits: [remove(2)] })
  assert.equal(said.at(-1), "Cell 2 deleted. 2 white blood cells.")
  assert.equal(sent.length, 1)
  field.destroy()
})

test("a problem is shown and announced, and the cells are as before", () => {
  field.apply({ kind: "add_point", points: [[100, 20]] })
  receive({ problem: "There is no cell here." })
  assert.equal(field.problem, "There is no cell here.")
  assert.equal(said.at(-1), "There is no cell here.")
  assert.equal(field.edits.canUndo, false)
  assert.equal(count(), "counted by Python")
  field.destroy()
})

test("a later run of the page repeats neither the problem nor the announcement", () => {
  field.apply({ kind: "add_point", points: [[100, 20]] })
  receive({ problem: "There is no cell here." })
  field.selectCell(field.layer.get(1))
  const before = said.length
  receive({ problem: "There is no cell here." })
  assert.deepEqual([field.problem, said.length], ["", before])
  field.destroy()
})

test("undo and redo send the shorter and the longer list", () => {
  field.apply({ kind: "delete", ids: [2] })
  receive({ cells: [cells[0], cells[2]], edits: [remove(2)] })
  field.undo()
  assert.deepEqual(sent.at(-1)[1].list, [])
  assert.equal(count(), "3 white blood cells")
  receive({})
  field.redo()
  assert.deepEqual(sent.at(-1)[1].list, [remove(2)])
  assert.equal(count(), "2 white blood cells")
  field.destroy()
})

test("without an answer the change is taken back", t => {
  t.mock.timers.enable({ apis: ["setTimeout"] })
  field.apply({ kind: "delete", ids: [2] })
  t.mock.timers.tick(61000)
  assert.equal(count(), "counted by Python")
  assert.match(field.problem, /no answer/)
})

test("a region is counted in at once, sent, and kept", () => {
  const region = [[0, 0], [100, 0], [100, 100], [0, 100]]
  field.setRegion(region)
  assert.equal(count(), "3 white blood cells · 2 in the region")
  assert.deepEqual(sent.at(-1)[1].region, region)
  // A run that had begun before does not take it back.
  receive({})
  assert.equal(count(), "3 white blood cells · 2 in the region")
  receive({ region })
  assert.equal(count(), "counted by Python")
  field.destroy()
})

test("the edge rule is that of the page, until the user chooses another", () => {
  receive({}, { edge_rule: "two_edges" })
  assert.equal(field.getCounting("unet").edgeRule, "two_edges")
  field.setEdgeRule("all")
  assert.equal(sent.at(-1)[1].edge_rule, "all")
  assert.equal(count(), "3 white blood cells")
  field.destroy()
})

test("after a reload the corrections are those of the page", () => {
  receive({ cells: [cells[0]], edits: [remove(2), remove(3)] })
  assert.equal(field.edits.list.length, 2)
  field.undo()
  assert.deepEqual(sent.at(-1)[1].list, [remove(2)])
  field.destroy()
})

test("each image has corrections of its own", () => {
  field.apply({ kind: "delete", ids: [2] })
  receive({}, { image_id: "upload/b" })
  viewer.panels[0].cellLayer = field.getLayer("unet")
  assert.deepEqual(field.edits.list, [])
  field.destroy()
})

test("a selected cell is described", () => {
  field.selectCell({ ...cells[1], cut_off: true, origin: "person" })
  assert.equal(said.at(-1), "Cell 2 of 3, No issues found, cut off by the image edge, corrected by a person")
})

test("merging needs two cells", () => {
  field.selectCell(cells[0])
  field.mergeSelected()
  assert.equal(sent.length, 0)
  assert.match(field.problem, /two or more/)
  field.selectCell(cells[1], true)
  field.mergeSelected()
  assert.deepEqual(sent.at(-1)[1].list, [{ kind: "merge", ids: [1, 2], points: [], box: null }])
  field.destroy()
})

test("what is selected is told to the list beside the viewer, and what is chosen there is selected", () => {
  const panned = []
  viewer.pan = (...by) => panned.push(by)
  viewer.state.view = { scale: 1, x: 100, y: 50 }
  field.selectCell(field.layer.get(2))
  assert.deepEqual(store.selection, { imageId: "upload/a", key: "unet", ids: [2], numbers: new Map([[1, 1], [2, 2], [3, 3]]) })
  field.selectFromList({ key: "unet", id: 3 })
  assert.deepEqual([...field.selection], [3])
  assert.deepEqual(store.selection.ids, [3])
  assert.ok(said.at(-1).startsWith("Cell 3 of 3"))
  viewer.state.view = { scale: 8, x: 20, y: 50 }
  field.selectFromList({ key: "unet", id: 3 })
  assert.equal(panned.length, 1)
  field.selectFromList({ key: "another", id: 1 })
  assert.deepEqual([...field.selection], [3])
  field.selectFromList({ key: "unet", id: null })
  assert.deepEqual(store.selection.ids, [])
})

test("the address names the selected cell, if it is one", () => {
  assert.equal(field.addressedCell, null)
  field.selectCell(cells[1])
  assert.deepEqual(field.addressedCell, { id: 2, key: "unet" })
  field.selectCell(cells[0], true)
  assert.equal(field.addressedCell, null)
})

test("the cell that an address names is selected as soon as the cells are there", () => {
  const [panel] = viewer.panels, { cellLayer } = panel
  field.linkedCell = { id: 3, key: "unet" }
  viewer.panels = []
  field.refresh()
  assert.deepEqual(field.addressedCell, { id: 3, key: "unet" })
  viewer.panels = [panel]
  field.refresh()
  assert.deepEqual([...cellLayer.selection], [3])
  assert.equal(field.linkedCell, null)
})

test("a cell that is not there, or of another image, is not selected", () => {
  field.linkedCell = { id: 99, key: "unet" }
  field.refresh()
  assert.equal(field.addressedCell, null)
  field.linkedCell = { id: 1, key: "unet" }
  field.reset("another image")
  assert.equal(field.linkedCell, null)
})
