import { test } from "node:test"
import assert from "node:assert/strict"
import { CellLayer } from "../src/cells/cell_layer.js"
import { CellTools } from "../src/cells/cell_tools.js"

const makeCell = (id, x, y, side = 20) => ({
  id, number: id, centroid: [x, y], nuclei: [], status: "ok", origin: "model",
  outline: [[x - side / 2, y - side / 2], [x + side / 2, y - side / 2], [x + side / 2, y + side / 2], [x - side / 2, y + side / 2]],
})

// A field of view of 200 by 100 pixels with three cells, shown at two screen pixels each.
function setUp() {
  const layer = new CellLayer(), applied = [], said = []
  layer.setCells([makeCell(1, 30, 50), makeCell(2, 60, 50), makeCell(3, 150, 50)])
  const canvas = { clientWidth: 400, clientHeight: 200, focus() {} }
  const panel = { cellLayer: layer, canvas, image: { width: 200, height: 100 } }
  const viewer = {
    crosshair: null, state: { view: { scale: 1, x: 100, y: 50 } }, announce: text => said.push(text), draw() {}, onViewChanged() {},
    setCrosshair(point) { viewer.crosshair = { x: point.x, y: point.y } },
  }
  const field = {
    viewer, panel, layer, selection: layer.selection, toolbar: { update() {}, toggleNumbers: () => said.push("numbers") }, problem: "",
    apply: edit => applied.push(edit), warn: text => said.push(text), reveal() {}, undo: () => applied.push("undo"), redo: () => applied.push("redo"),
    findAt: hit => layer.findAt(hit.x, hit.y, 4 / hit.scale), setRegion: region => applied.push({ region }),
    selectCell(cell, isExtending) {
      if (!isExtending) layer.selection.clear()
      if (cell) layer.selection.has(cell.id) ? layer.selection.delete(cell.id) : layer.selection.add(cell.id)
      field.lastSelected = cell?.id ?? null
    },
    describeCell: cell => `cell ${cell.number}`,
    mergeSelected: () => applied.push({ kind: "merge", ids: [...layer.selection] }),
    deleteSelected: () => layer.selection.size > 0 && applied.push({ kind: "delete", ids: [...layer.selection] }),
  }
  const tools = new CellTools(field)
  const at = (x, y) => ({ panel, scale: 2, x, y })
  const press = (key, modifiers = {}) => {
    const run = tools.findKeyAction({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...modifiers }, true)
    run?.()
    return Boolean(run)
  }
  const drag = (...points) => {
    const isTaken = tools.beginDrag(at(...points[0]))
    points.slice(1).forEach(point => tools.drag(at(...point)))
    tools.endDrag(at(...points.at(-1)))
    return isTaken
  }
  return { applied, at, drag, field, layer, panel, press, said, tools, viewer }
}

test("a click selects a cell, shift adds one, and a click beside clears", () => {
  const { at, layer, tools } = setUp()
  tools.tap(at(30, 50))
  tools.tap(at(60, 50), { shiftKey: true })
  assert.deepEqual([...layer.selection], [1, 2])
  tools.tap(at(100, 10))
  assert.equal(layer.selection.size, 0)
})

test("without a tool a drag moves the image", () => {
  const { applied, drag } = setUp()
  assert.equal(drag([90, 10], [110, 40]), false)
  assert.deepEqual(applied, [])
})

test("the tool for adding takes a click or a box, and stays active", () => {
  const { applied, at, drag, tools } = setUp()
  tools.select("add")
  tools.tap(at(100, 20))
  assert.equal(drag([120, 40], [90, 10]), true)
  assert.deepEqual(applied, [{ kind: "add_point", points: [[100, 20]] }, { kind: "add_box", box: [90, 10, 120, 40] }])
  assert.equal(tools.tool, "add")
})

test("a box ends at the image's edge, and a tiny one is no box", () => {
  const { applied, drag, tools } = setUp()
  tools.select("add")
  drag([180, 80], [250, 140])
  drag([100, 20], [101, 21])
  assert.deepEqual(applied, [{ kind: "add_box", box: [180, 80, 200, 100] }])
})

test("a click on a cell that is there adds none", () => {
  const { applied, at, said, tools } = setUp()
  tools.select("add")
  tools.tap(at(30, 50))
  tools.tap(at(-5, 50))
  assert.deepEqual(applied, [])
  assert.match(said.at(-1), /cell 1 already/)
})

test("the tool for deleting takes clicks on cells", () => {
  const { applied, at, tools } = setUp()
  tools.select("delete")
  tools.tap(at(60, 50))
  tools.tap(at(100, 10))
  assert.deepEqual(applied, [{ kind: "delete", ids: [2] }])
})

test("a line splits the cell that it crosses most", () => {
  const { applied, at, drag, said, tools } = setUp()
  tools.select("split")
  drag([38, 46], [50, 48], [75, 50])
  tools.tap(at(150, 30))
  tools.tap(at(150, 70))
  drag([100, 10], [120, 12])
  assert.deepEqual(applied.map(({ ids, points }) => [ids, points.at(-1)]), [[[2], [75, 50]], [[3], [150, 70]]])
  assert.match(said.at(-1), /crosses no cell/)
})

test("two cells that are clicked are merged by Enter", () => {
  const { applied, at, press, tools } = setUp()
  press("m")
  tools.tap(at(30, 50))
  tools.tap(at(60, 50))
  press("Enter")
  assert.deepEqual(applied, [{ kind: "merge", ids: [1, 2] }])
})

test("a region is closed at its first corner, by Enter, or drawn", () => {
  const { applied, at, drag, press, tools } = setUp()
  tools.select("region")
  for (const point of [[10, 10], [50, 10], [50, 60], [12, 11]]) tools.tap(at(...point))
  assert.deepEqual(applied, [{ region: [[10, 10], [50, 10], [50, 60]] }])
  for (const point of [[10, 10], [50, 10], [50, 60]]) tools.tap(at(...point))
  press("Enter")
  drag([0, 0], [80, 0], [80, 90], [0, 90])
  assert.deepEqual(applied.slice(1), [{ region: [[10, 10], [50, 10], [50, 60]] }, { region: [[0, 0], [80, 0], [80, 90], [0, 90]] }])
})

test("a region is drawn with keys alone: Enter at each corner, and again at the last", () => {
  const { applied, press } = setUp()
  press("r")
  press("Enter")
  for (const key of ["ArrowRight", "ArrowDown", "ArrowLeft"]) {
    press(key, { shiftKey: true })
    press("Enter")
  }
  press("Enter")
  assert.deepEqual(applied, [{ region: [[100, 50], [120, 50], [120, 70], [100, 70]] }])
})

test("a second finger drops what the first was drawing", () => {
  const { applied, at, tools } = setUp()
  tools.select("add")
  tools.beginDrag(at(90, 10))
  tools.drag(at(110, 30))
  tools.cancelDrag()
  tools.endDrag(at(120, 40))
  assert.deepEqual([applied, tools.points], [[], []])
})

test("a long press selects a further cell, or adds one where there is none", () => {
  const { applied, at, layer, tools } = setUp()
  tools.longPress(at(30, 50))
  tools.longPress(at(60, 50))
  tools.longPress(at(100, 20))
  assert.deepEqual([...layer.selection], [1, 2])
  assert.deepEqual(applied, [{ kind: "add_point", points: [[100, 20]] }])
})

test("a cell is added with keys alone, at a point or in a box", () => {
  const { applied, press, viewer } = setUp()
  press("a")
  assert.deepEqual(viewer.crosshair, { x: 100, y: 50 })
  press("ArrowUp")
  press("ArrowRight")
  press("a")
  press("+")
  press("Enter")
  assert.deepEqual(applied, [{ kind: "add_point", points: [[104, 46]] }, { kind: "add_box", box: [94, 36, 114, 56] }])
})

test("arrow keys and Tab go from cell to cell; without a selection Tab leaves", () => {
  const { field, press } = setUp()
  assert.equal(press("Tab"), false)
  press("ArrowRight")
  press("ArrowRight")
  assert.equal(field.lastSelected, 2)
  press("Tab")
  assert.equal(field.lastSelected, 3)
  assert.equal(press("Tab"), false)
  press("Tab", { shiftKey: true })
  assert.equal(field.lastSelected, 2)
})

test("arrow keys are always taken, so that the page does not scroll", () => {
  const { press } = setUp()
  for (const key of ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]) assert.equal(press(key), true)
})

test("cells are deleted, split and merged with keys alone", () => {
  const { applied, press } = setUp()
  press("ArrowRight")
  press("Delete")
  press("m")
  press(" ")
  press("ArrowRight")
  press(" ")
  press("Enter")
  assert.deepEqual(applied, [{ kind: "delete", ids: [1] }, { kind: "merge", ids: [2] }])
})

test("undo and redo have their usual keys", () => {
  const { applied, press } = setUp()
  press("z", { ctrlKey: true })
  press("Z", { ctrlKey: true, shiftKey: true })
  press("z", { metaKey: true })
  press("y", { ctrlKey: true })
  assert.deepEqual(applied, ["undo", "redo", "undo", "redo"])
})

test("Esc drops what is drawn, then the tool, then the selection", () => {
  const { at, layer, press, tools } = setUp()
  layer.selection.add(1)
  press("r")
  tools.tap(at(10, 10))
  press("Escape")
  assert.deepEqual([tools.points, tools.tool], [[], "region"])
  press("Escape")
  assert.equal(tools.tool, "select")
  press("Escape")
  assert.equal(layer.selection.size, 0)
  assert.equal(press("Escape"), false)
})
