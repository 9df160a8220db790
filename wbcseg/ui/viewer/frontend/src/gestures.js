// Wheel, pinch, drag and double click on a panel. Every change goes through the viewer, which draws all panels alike.

const MIN_SCALE = 0.5, MAX_SCALE = 40
const TAP_DISTANCE = 6
const WHEEL_LINE_HEIGHT = 16
const LONG_PRESS_DELAY = 500

export function clampScale(scale) {
  return Math.min(MAX_SCALE, Math.max(MIN_SCALE, scale))
}

// Returns the view after zooming by a factor about a point, given by its offset from the centre of the canvas in image
// pixels. The point stays where it is on the screen.
export function zoomView(view, factor, offset = { dx: 0, dy: 0 }) {
  const scale = clampScale(view.scale * factor), shift = 1 - view.scale / scale
  return { scale, x: view.x + offset.dx * shift, y: view.y + offset.dy * shift, isMoved: true }
}

// Returns the zoom factor of a wheel event; some browsers count in lines, not pixels.
export function computeWheelFactor(event) {
  return Math.exp((-event.deltaY * (event.deltaMode === 1 ? WHEEL_LINE_HEIGHT : 1)) / 300)
}

export class Gestures {
  constructor(viewer, signal) {
    this.viewer = viewer
    this.pointers = new Map()
    const on = (type, handle, options) => {
      for (const target of [viewer.grid, viewer.swipe.stage]) target.addEventListener(type, handle, { signal, ...options })
    }
    on("wheel", event => this.wheel(event), { passive: false })
    on("pointerdown", event => this.down(event))
    on("pointermove", event => this.move(event))
    on("pointerup", event => this.up(event))
    on("pointercancel", event => this.cancel(event))
    on("pointerleave", event => event.pointerType === "mouse" && this.leave(), { capture: true })
    on("dblclick", event => viewer.locate(event) && !this.field?.tools.isActive && viewer.fit())
    on("contextmenu", event => this.pointers.size && event.preventDefault())
  }

  // What handles the cells of a field of view, except while a mask is edited.
  get field() {
    return this.viewer.editor ? null : this.viewer.field
  }

  wheel(event) {
    const hit = this.viewer.locate(event)
    if (!hit) return
    event.preventDefault()
    this.viewer.zoom(computeWheelFactor(event), hit)
  }

  down(event) {
    const hit = this.viewer.locate(event)
    if (!hit || event.button > 1) return
    if (this.viewer.editor?.down(event, hit)) return
    hit.panel.canvas.setPointerCapture(event.pointerId)
    const pointer = { x: event.clientX, y: event.clientY, distance: 0, panel: hit.panel }
    this.pointers.set(event.pointerId, pointer)
    const { field } = this
    field?.setActive(hit.panel)
    // The middle button always moves the image.
    if (this.pointers.size > 1) this.dropDrag()
    else pointer.isDrawing = event.button === 0 && Boolean(field?.tools.beginDrag(hit))
    clearTimeout(this.longPressTimer)
    if (event.pointerType === "touch") this.longPressTimer = setTimeout(() => this.longPress(pointer, hit), LONG_PRESS_DELAY)
  }

  // Two fingers move and zoom: what the first one was drawing is dropped.
  dropDrag() {
    for (const pointer of this.pointers.values()) pointer.isDrawing = false
    this.field?.tools.cancelDrag()
  }

  longPress(pointer, hit) {
    if (this.pointers.size !== 1 || pointer.distance > TAP_DISTANCE) return
    pointer.isDone = Boolean(this.field?.tools.longPress(hit))
  }

  cancel(event) {
    this.pointers.delete(event.pointerId)
    clearTimeout(this.longPressTimer)
    this.dropDrag()
  }

  leave() {
    this.field?.hover(null)
    this.viewer.setCrosshair(null)
  }

  move(event) {
    const hit = this.viewer.locate(event, this.pointers.get(event.pointerId)?.panel)
    if (!hit) return
    if (this.viewer.editor?.move(event, hit)) return
    const pointer = this.pointers.get(event.pointerId)
    if (!pointer) {
      this.field?.hover(hit)
      this.viewer.setCrosshair(hit)
      return
    }
    const dx = event.clientX - pointer.x, dy = event.clientY - pointer.y, spreadBefore = this.computeSpread()
    Object.assign(pointer, { x: event.clientX, y: event.clientY, distance: pointer.distance + Math.hypot(dx, dy) })
    const count = this.pointers.size
    if (pointer.isDrawing) {
      if (pointer.distance > TAP_DISTANCE) this.field?.tools.drag(hit)
      return
    }
    // One finger scrolls the page while the whole image is in view.
    if (event.pointerType === "touch" && count === 1 && this.viewer.isResting) return
    if (pointer.distance > TAP_DISTANCE || count > 1) this.viewer.pan(dx / hit.scale / count, dy / hit.scale / count)
    if (count === 2) this.viewer.zoom(this.computeSpread() / spreadBefore, hit)
  }

  up(event) {
    if (this.viewer.editor?.up(event)) return
    const pointer = this.pointers.get(event.pointerId)
    this.pointers.delete(event.pointerId)
    clearTimeout(this.longPressTimer)
    if (!pointer || pointer.isDone) return
    const hit = this.viewer.locate(event, pointer.panel), tools = this.field?.tools
    if (pointer.distance > TAP_DISTANCE) return pointer.isDrawing && tools.endDrag(hit)
    tools?.cancelDrag()
    if (event.button === 0 && tools?.tap(hit, event)) return
    // A tap shows what a mouse shows on hovering.
    if (event.pointerType !== "mouse") this.viewer.setCrosshair(hit)
  }

  // Returns the distance between two fingers in screen pixels; 1 where there are not two.
  computeSpread() {
    const [a, b] = this.pointers.values()
    return b ? Math.hypot(a.x - b.x, a.y - b.y) : 1
  }
}
