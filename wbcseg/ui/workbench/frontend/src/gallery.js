import { createElement } from "../../../viewer/frontend/src/dom.js"
import { describeCell, getConfidence } from "./cell_list.js"
import { findGroupAt, findInRectangle, findVisible, layoutGroups, locate, move } from "./grid_layout.js"
import { drawTile } from "./tile.js"

const OVERSCAN = 240, DRAG_DISTANCE = 6, SCROLL_ZONE = 40
const MAX_PIXEL_RATIO = 2

// The cells as tiles in groups. Only tiles in view have elements, so thousands of cells scroll as smoothly as fifty.
export class Gallery {
  constructor(workbench, signal) {
    this.workbench = workbench
    this.tiles = new Map()
    this.headers = new Map()
    this.content = createElement("div", { class: "content" })
    this.marquee = createElement("div", { class: "marquee", hidden: true })
    this.ghost = createElement("div", { class: "ghost", hidden: true, "aria-hidden": "true" })
    this.node = createElement(
      "div",
      { class: "viewport gallery", tabindex: 0, role: "listbox", "aria-multiselectable": true, "aria-label": "Cells by type" },
      this.content,
    )
    this.content.append(this.marquee)
    const on = (target, type, handle, options = {}) => target.addEventListener(type, handle, { signal, ...options })
    on(this.node, "scroll", () => this.draw(), { passive: true })
    on(this.node, "pointerdown", event => this.startPointer(event))
    on(this.node, "pointermove", event => this.movePointer(event))
    on(this.node, "pointerup", event => this.endPointer(event))
    on(this.node, "pointercancel", () => this.cancelPointer())
    on(this.node, "dblclick", event => this.findTile(event) && this.workbench.open())
  }

  layOut() {
    const { workbench } = this, size = workbench.state.size
    this.layout = layoutGroups(workbench.groups, Math.max(60, this.node.clientWidth - 14), size)
    this.content.style.height = `${this.layout.height}px`
    this.node.style.setProperty("--size", `${size}px`)
    this.draw()
  }

  draw() {
    if (!this.layout || !this.node.isConnected) return
    const { scrollTop, clientHeight } = this.node
    const visible = findVisible(this.layout, scrollTop - OVERSCAN, scrollTop + clientHeight + OVERSCAN)
    this.drawHeaders(scrollTop, scrollTop + clientHeight)
    const unused = new Set(this.tiles.keys())
    for (const { cell } of visible) unused.delete(cell.key)
    const spare = [...unused].map(key => this.tiles.get(key))
    for (const key of unused) this.tiles.delete(key)
    for (const entry of visible) {
      let tile = this.tiles.get(entry.cell.key)
      if (!tile) {
        tile = spare.pop() ?? this.createTile()
        tile.drawn = ""
        this.tiles.set(entry.cell.key, tile)
      }
      this.placeTile(tile, entry)
    }
    for (const tile of spare) tile.node.remove()
    const { active } = this.workbench
    if (active && this.tiles.has(active)) this.node.setAttribute("aria-activedescendant", this.tiles.get(active).node.id)
    else this.node.removeAttribute("aria-activedescendant")
  }

  createTile() {
    const canvas = createElement("canvas"), caption = createElement("span", { class: "caption" })
    const node = createElement("div", { class: "tile", role: "option" }, canvas, caption)
    this.content.append(node)
    return { node, canvas, caption, drawn: "" }
  }

  placeTile(tile, { cell, x, y, group, position }) {
    const { workbench } = this, { state, info } = workbench
    const { node, canvas, caption } = tile
    node.style.transform = `translate(${x}px, ${y}px)`
    const isSelected = workbench.selection.has(cell.key), isActive = workbench.active === cell.key
    const confidence = getConfidence(cell)
    const text = cell.isAssigned ? "✎ filed" : confidence === null ? "" : `${Math.round(100 * confidence)} %`
    const label = describeCell(cell, info)
    const look = [cell.key, isSelected, isActive, text, label, cell.status, position].join("|")
    if (tile.look !== look) {
      tile.look = look
      node.id = `tile-${cell.key.replace(".", "-")}`
      node.dataset.key = cell.key
      node.dataset.status = info.statuses[cell.status]?.name ?? "none"
      node.classList.toggle("is-active", isActive)
      node.classList.toggle("is-assigned", cell.isAssigned)
      node.setAttribute("aria-selected", isSelected)
      node.setAttribute("aria-label", label)
      node.setAttribute("aria-setsize", group.cells.length)
      node.setAttribute("aria-posinset", position + 1)
      node.title = label
      caption.textContent = text
    }
    const ratio = Math.min(MAX_PIXEL_RATIO, window.devicePixelRatio || 1)
    const square = state.oneScale ? workbench.square : cell.square
    const drawing = [cell.key, cell.slot, workbench.sheets[cell.sheet], state.size, square, state.outlines, ratio].join("|")
    if (tile.drawn !== drawing) {
      const isDone = drawTile(canvas, cell, workbench.sheets, { side: Math.round(state.size * ratio), square, outlines: state.outlines })
      tile.drawn = isDone ? drawing : ""
    }
  }

  drawHeaders(from, to) {
    const { layout, workbench } = this
    for (const [type, { node }] of this.headers) if (!layout.groups.some(group => group.type === type)) (node.remove(), this.headers.delete(type))
    for (const group of layout.groups) {
      let header = this.headers.get(group.type)
      if (!header) {
        const swatch = createElement("i"), name = createElement("b"), count = createElement("span")
        header = { node: createElement("div", { class: "group-header" }, swatch, name, count), swatch, name, count }
        this.headers.set(group.type, header)
        this.content.append(header.node)
      }
      const { node, swatch, name, count } = header
      node.hidden = group.bottom < from || group.top > to
      if (node.hidden) continue
      // The header of the group in view stays at the top.
      const top = Math.min(Math.max(group.top, from), Math.max(group.top, group.bottom - 34))
      node.style.transform = `translateY(${top}px)`
      node.classList.toggle("is-target", this.target === group.type)
      swatch.style.background = workbench.info.types[group.type]?.colour ?? "transparent"
      name.textContent = group.title
      const hint = group.cells.length ? "" : " · drag cells here, or select them and press its number"
      const text = `${group.cells.length}${hint}`
      if (count.textContent !== text) count.textContent = text
    }
  }

  // Scrolls so that a cell is in view.
  reveal(key) {
    const place = this.layout && locate(this.layout, key)
    if (!place) return
    const { clientHeight, scrollTop } = this.node, bottom = place.y + this.layout.cellHeight
    if (place.y - 34 < scrollTop) this.node.scrollTop = place.y - 34
    else if (bottom > scrollTop + clientHeight) this.node.scrollTop = bottom - clientHeight
  }

  move(direction) {
    return move(this.layout, this.workbench.active, direction)
  }

  // How many cells are in a page of the viewport.
  get pageSize() {
    return Math.max(1, Math.floor(this.node.clientHeight / this.layout.cellHeight)) * this.layout.columns
  }

  findTile(event) {
    return event.composedPath().find(node => node.classList?.contains("tile")) ?? null
  }

  toContent(event) {
    const box = this.content.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }

  startPointer(event) {
    if (event.button || event.pointerType === "touch") return
    // The scroll bar is not part of the gallery.
    if (event.clientX > this.node.getBoundingClientRect().left + this.node.clientWidth) return
    const tile = this.findTile(event), isOnImage = tile && event.composedPath()[0].tagName === "CANVAS"
    this.pointer = { start: this.toContent(event), x: event.clientX, y: event.clientY, key: tile?.dataset.key ?? null, canDrag: isOnImage && !event.shiftKey, mode: "", before: new Set(this.workbench.selection) }
    this.node.setPointerCapture(event.pointerId)
  }

  movePointer(event) {
    const { pointer, workbench } = this
    if (!pointer) return
    if (!pointer.mode) {
      if (Math.hypot(event.clientX - pointer.x, event.clientY - pointer.y) < DRAG_DISTANCE) return
      pointer.mode = pointer.canDrag ? "drag" : "marquee"
      if (pointer.mode === "drag" && !workbench.selection.has(pointer.key)) workbench.select([pointer.key], pointer.key)
    }
    this.scrollAtEdge(event)
    if (pointer.mode === "drag") {
      this.ghost.hidden = false
      const box = workbench.node.getBoundingClientRect()
      this.ghost.style.transform = `translate(${event.clientX - box.left + 12}px, ${event.clientY - box.top + 8}px)`
      this.ghost.textContent = `${workbench.selection.size} ${workbench.selection.size === 1 ? "cell" : "cells"}`
      this.setTarget(this.findTarget(event))
    } else {
      const { x, y } = this.toContent(event), { start } = pointer
      this.marquee.hidden = false
      this.marquee.style.transform = `translate(${Math.min(x, start.x)}px, ${Math.min(y, start.y)}px)`
      Object.assign(this.marquee.style, { width: `${Math.abs(x - start.x)}px`, height: `${Math.abs(y - start.y)}px` })
      const keys = findInRectangle(this.layout, start.x, start.y, x, y).map(cell => cell.key)
      const isAdding = event.ctrlKey || event.metaKey || event.shiftKey
      workbench.select([...(isAdding ? pointer.before : []), ...keys], keys.at(-1) ?? workbench.active, false)
    }
  }

  endPointer(event) {
    const { pointer, workbench } = this
    if (event.pointerType === "touch" && !pointer) return this.tap(event)
    if (!pointer) return
    this.pointer = null
    if (pointer.mode === "drag") {
      const type = this.findTarget(event)
      if (type !== null && type >= 0) workbench.fileUnder(type)
    } else if (!pointer.mode) {
      if (!pointer.key) workbench.select([], workbench.active)
      else if (event.shiftKey) workbench.selectTo(pointer.key)
      else if (event.ctrlKey || event.metaKey) workbench.toggle(pointer.key)
      else workbench.select([pointer.key], pointer.key)
    }
    this.hidePointer()
  }

  // On a touch screen a tap adds a cell or takes it away: there is no Ctrl key.
  tap(event) {
    const tile = this.findTile(event)
    if (tile) this.workbench.toggle(tile.dataset.key)
  }

  cancelPointer() {
    this.pointer = null
    this.hidePointer()
  }

  hidePointer() {
    this.marquee.hidden = this.ghost.hidden = true
    this.setTarget(null)
  }

  // Returns the type that is under the pointer: a button of the bar, or a group.
  findTarget(event) {
    const root = this.node.getRootNode(), element = root.elementFromPoint(event.clientX, event.clientY)
    const button = element?.closest?.("[data-type]")
    if (button) return Number(button.dataset.type)
    const box = this.node.getBoundingClientRect()
    if (event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom) return null
    return findGroupAt(this.layout, this.toContent(event).y)?.type ?? null
  }

  setTarget(type) {
    if (this.target === type) return
    this.target = type
    this.workbench.bar.markTarget(type)
    this.draw()
  }

  scrollAtEdge(event) {
    const box = this.node.getBoundingClientRect()
    if (event.clientY < box.top + SCROLL_ZONE) this.node.scrollTop -= 18
    if (event.clientY > box.bottom - SCROLL_ZONE) this.node.scrollTop += 18
  }
}
