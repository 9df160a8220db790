// Wheel, pinch, drag and double click on a panel. Every change goes through the viewer, which draws all panels alike.

const MIN_SCALE = 0.5, MAX_SCALE = 40
const TAP_DISTANCE = 6
const WHEEL_LINE_HEIGHT = 16

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
    on("pointercancel", event => this.pointers.delete(event.pointerId))
    on("pointerleave", event => event.pointerType === "mouse" && viewer.setCrosshair(null), { capture: true })
    on("dblclick", event => viewer.locate(event) && viewer.fit())
  }

  wheel(event) {
    const hit = this.viewer.locate(event)
    if (!hit) return
    event.preventDefault()
    this.viewer.zoom(computeWheelFactor(event), hit)
  }

  down(event) {
    const hit = this.viewer.locate(event)
    if (!hit || event.button > 0) return
    if (this.viewer.editor?.down(event, hit)) return
    hit.panel.canvas.setPointerCapture(event.pointerId)
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, distance: 0, panel: hit.panel })
  }

  move(event) {
    const hit = this.viewer.locate(event, this.pointers.get(event.pointerId)?.panel)
    if (!hit) return
    if (this.viewer.editor?.move(event, hit)) return
    const pointer = this.pointers.get(event.pointerId)
    if (!pointer) {
      this.viewer.setCrosshair(hit)
      return
    }
    const dx = event.clientX - pointer.x, dy = event.clientY - pointer.y, spreadBefore = this.computeSpread()
    Object.assign(pointer, { x: event.clientX, y: event.clientY, distance: pointer.distance + Math.hypot(dx, dy) })
    const count = this.pointers.size
    if (pointer.distance > TAP_DISTANCE || count > 1) this.viewer.pan(dx / hit.scale / count, dy / hit.scale / count)
    if (count === 2) this.viewer.zoom(this.computeSpread() / spreadBefore, hit)
  }

  up(event) {
    if (this.viewer.editor?.up(event)) return
    const pointer = this.pointers.get(event.pointerId)
    this.pointers.delete(event.pointerId)
    // A tap shows what a mouse shows on hovering.
    if (pointer && pointer.distance <= TAP_DISTANCE && event.pointerType !== "mouse") {
      this.viewer.setCrosshair(this.viewer.locate(event, pointer.panel))
    }
  }

  // Returns the distance between two fingers in screen pixels; 1 where there are not two.
  computeSpread() {
    const [a, b] = this.pointers.values()
    return b ? Math.hypot(a.x - b.x, a.y - b.y) : 1
  }
}
