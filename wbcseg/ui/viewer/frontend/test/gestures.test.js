import { test } from "node:test"
import assert from "node:assert/strict"
import { Gestures, clampScale, computeWheelFactor, zoomView } from "../src/gestures.js"

test("the scale is bounded", () => {
  assert.deepEqual([0.001, 0.5, 3, 40, 1e9].map(clampScale), [0.5, 0.5, 3, 40, 40])
})

test("zooming keeps the point under the pointer in place", () => {
  const view = { scale: 2, x: 50, y: 40 }, offset = { dx: 10, dy: -6 }
  const zoomed = zoomView(view, 4, offset)
  assert.equal(zoomed.scale, 8)
  assert.equal(zoomed.isMoved, true)
  // The point's distance from the centre in screen pixels stays the same.
  assert.equal((view.x + offset.dx - zoomed.x) * zoomed.scale, offset.dx * view.scale)
  assert.equal((view.y + offset.dy - zoomed.y) * zoomed.scale, offset.dy * view.scale)
})

test("zooming at the bound does not move the image", () => {
  assert.deepEqual(zoomView({ scale: 40, x: 5, y: 6 }, 2, { dx: 3, dy: 3 }), { scale: 40, x: 5, y: 6, isMoved: true })
})

test("the wheel zooms in upwards, by pixels or lines", () => {
  assert.ok(computeWheelFactor({ deltaY: -100, deltaMode: 0 }) > 1)
  assert.ok(computeWheelFactor({ deltaY: 100, deltaMode: 0 }) < 1)
  assert.equal(computeWheelFactor({ deltaY: 1, deltaMode: 1 }), computeWheelFactor({ deltaY: 16, deltaMode: 0 }))
})

function setUp() {
  const calls = [], panel = { canvas: { setPointerCapture() {} } }
  const viewer = {
    grid: new EventTarget(), swipe: { stage: new EventTarget() }, editor: null,
    locate: event => ({ panel, scale: 2, dx: 0, dy: 0, x: event.clientX / 2, y: event.clientY / 2 }),
    pan: (dx, dy) => calls.push(["pan", dx, dy]), zoom: factor => calls.push(["zoom", factor]),
    setCrosshair: point => calls.push(["crosshair", point?.x ?? null]), fit: () => calls.push(["fit"]),
  }
  const send = (type, properties) => viewer.grid.dispatchEvent(Object.assign(new Event(type), { button: 0, pointerId: 1, ...properties }))
  new Gestures(viewer, new AbortController().signal)
  return { calls, send, viewer }
}

test("dragging pans in image pixels, after more than a tap's distance", () => {
  const { calls, send } = setUp()
  send("pointerdown", { clientX: 0, clientY: 0 })
  send("pointermove", { clientX: 4, clientY: 0 })
  assert.deepEqual(calls, [])
  send("pointermove", { clientX: 14, clientY: 6 })
  assert.deepEqual(calls, [["pan", 5, 3]])
})

test("two fingers zoom by the change of their distance", () => {
  const { calls, send } = setUp()
  send("pointerdown", { pointerId: 1, clientX: 0, clientY: 0 })
  send("pointerdown", { pointerId: 2, clientX: 10, clientY: 0 })
  send("pointermove", { pointerId: 2, clientX: 20, clientY: 0 })
  assert.deepEqual(calls, [["pan", 2.5, 0], ["zoom", 2]])
})

test("a mouse shows the pixel on hovering, a finger on a tap", () => {
  const { calls, send } = setUp()
  send("pointermove", { clientX: 8, clientY: 0, pointerType: "mouse" })
  assert.deepEqual(calls, [["crosshair", 4]])
  send("pointerdown", { clientX: 6, clientY: 0, pointerType: "touch" })
  send("pointerup", { clientX: 6, clientY: 0, pointerType: "touch" })
  assert.deepEqual(calls.at(-1), ["crosshair", 3])
})

test("the editor handles pointers first", () => {
  const { calls, send, viewer } = setUp()
  viewer.editor = { down: () => true, move: () => true, up: () => true }
  send("pointerdown", { clientX: 0, clientY: 0 })
  send("pointermove", { clientX: 90, clientY: 0 })
  send("pointerup", { clientX: 90, clientY: 0 })
  assert.deepEqual(calls, [])
})

test("a double click fits the image", () => {
  const { calls, send } = setUp()
  send("dblclick", { clientX: 0, clientY: 0 })
  assert.deepEqual(calls, [["fit"]])
})

function setUpField(isDrawing) {
  const set = setUp(), log = []
  const tools = {
    isActive: isDrawing, beginDrag: () => isDrawing, drag: hit => log.push(["drag", hit.x]), endDrag: hit => log.push(["end", hit.x]),
    cancelDrag: () => log.push(["cancel"]), tap: (hit, event) => log.push(["tap", hit.x, event.pointerType]), longPress: hit => log.push(["long", hit.x]),
  }
  set.viewer.field = { tools, setActive() {}, hover: hit => log.push(["hover", hit?.x ?? null]) }
  return { ...set, log }
}

test("a tool that draws takes the drag", () => {
  const { calls, log, send } = setUpField(true)
  send("pointerdown", { clientX: 0, clientY: 0 })
  send("pointermove", { clientX: 40, clientY: 0 })
  send("pointerup", { clientX: 40, clientY: 0 })
  assert.deepEqual([calls, log], [[], [["drag", 20], ["end", 20]]])
})

test("without such a tool, and with the middle button, a drag pans", () => {
  for (const [isDrawing, button] of [[false, 0], [true, 1]]) {
    const { calls, log, send } = setUpField(isDrawing)
    send("pointerdown", { clientX: 0, clientY: 0, button })
    send("pointermove", { clientX: 40, clientY: 0 })
    assert.deepEqual([calls, log], [[["pan", 20, 0]], []])
  }
})

test("a second finger turns drawing into zooming", () => {
  const { calls, log, send } = setUpField(true)
  send("pointerdown", { pointerId: 1, clientX: 0, clientY: 0 })
  send("pointerdown", { pointerId: 2, clientX: 10, clientY: 0 })
  send("pointermove", { pointerId: 2, clientX: 30, clientY: 0 })
  assert.deepEqual(log, [["cancel"]])
  assert.deepEqual(calls.map(([name]) => name), ["pan", "zoom"])
})

test("a click and a tap go to the tool, and a long press is no tap", t => {
  t.mock.timers.enable({ apis: ["setTimeout"] })
  const { log, send } = setUpField(false)
  send("pointerdown", { clientX: 8, clientY: 0, pointerType: "touch" })
  send("pointerup", { clientX: 8, clientY: 0, pointerType: "touch" })
  send("pointerdown", { clientX: 8, clientY: 0, pointerType: "touch" })
  t.mock.timers.tick(600)
  send("pointerup", { clientX: 8, clientY: 0, pointerType: "touch" })
  assert.deepEqual(log, [["cancel"], ["tap", 4, "touch"], ["long", 4]])
})

test("a double click with a tool does not fit the image", () => {
  const { calls, send } = setUpField(true)
  send("dblclick", { clientX: 0, clientY: 0 })
  assert.deepEqual(calls, [])
})

test("the cell under the mouse is highlighted, except while a mask is edited", () => {
  const { log, send, viewer } = setUpField(false)
  send("pointermove", { clientX: 8, clientY: 0, pointerType: "mouse" })
  viewer.editor = { down: () => false, move: () => false, up: () => false }
  send("pointermove", { clientX: 8, clientY: 0, pointerType: "mouse" })
  assert.deepEqual(log, [["hover", 4]])
})
