// Wheel, pinch, drag and double click on a panel. Every change goes through the viewer, which draws all panels alike.

const CLOSEST = 40, WIDEST = 0.5
const TAP = 6

export function clampScale(scale) {
  return Math.min(CLOSEST, Math.max(WIDEST, scale))
}

export class Gestures {
  constructor(viewer, signal) {
    this.viewer = viewer
    this.pointers = new Map()
    const on = (type, act, more) => {
      for (const place of [viewer.grid, viewer.swipe.stage]) place.addEventListener(type, act, { signal, ...more })
    }
    on("wheel", event => this.wheel(event), { passive: false })
    on("pointerdown", event => this.down(event))
    on("pointermove", event => this.move(event))
    on("pointerup", event => this.up(event))
    on("pointercancel", event => this.pointers.delete(event.pointerId))
    on("pointerleave", event => event.pointerType === "mouse" && viewer.point(null), { capture: true })
    on("dblclick", event => viewer.panelAt(event) && viewer.fit())
  }

  wheel(event) {
    const spot = this.viewer.panelAt(event)
    if (!spot) return
    event.preventDefault()
    const lines = event.deltaMode === 1 ? 16 : 1
    this.viewer.zoom(Math.exp((-event.deltaY * lines) / 300), spot)
  }

  down(event) {
    const spot = this.viewer.panelAt(event)
    if (!spot || event.button > 0) return
    if (this.viewer.editor?.down(event, spot)) return
    spot.panel.canvas.setPointerCapture(event.pointerId)
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, way: 0, panel: spot.panel })
  }

  move(event) {
    const spot = this.viewer.panelAt(event, this.pointers.get(event.pointerId)?.panel)
    if (!spot) return
    if (this.viewer.editor?.move(event, spot)) return
    const was = this.pointers.get(event.pointerId)
    if (!was) {
      this.viewer.point(spot)
      return
    }
    const dx = event.clientX - was.x, dy = event.clientY - was.y, before = this.spread()
    Object.assign(was, { x: event.clientX, y: event.clientY, way: was.way + Math.hypot(dx, dy) })
    if (was.way > TAP || this.pointers.size > 1) this.viewer.pan(dx / spot.s / this.pointers.size, dy / spot.s / this.pointers.size)
    if (this.pointers.size === 2) this.viewer.zoom(this.spread() / before, spot)
  }

  up(event) {
    if (this.viewer.editor?.up(event)) return
    const was = this.pointers.get(event.pointerId)
    this.pointers.delete(event.pointerId)
    // A tap shows what a mouse shows by hovering.
    if (was && was.way <= TAP && event.pointerType !== "mouse") this.viewer.point(this.viewer.panelAt(event, was.panel))
  }

  spread() {
    const [a, b] = this.pointers.values()
    return b ? Math.hypot(a.x - b.x, a.y - b.y) : 1
  }
}
