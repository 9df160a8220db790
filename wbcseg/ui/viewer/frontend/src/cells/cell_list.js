import { createElement, findNextIndex } from "../dom.js"
import { STATUS_SYMBOLS } from "../badges.js"
import { computeSquare } from "./geometry.js"
import { createTypeBlock, findTypeOfKey } from "./cell_type.js"
import { getPayload, loadImage, store } from "../image_store.js"

// The cells of a field of view as a list beside the viewer, with the details of the selected one. Selecting a cell in the
// list selects it in the viewer, and the other way round, without asking the server. Of a crop, only the type is shown.

const THUMBNAIL_SIDE = 112

class CellList {
  constructor(root) {
    this.abort = new AbortController()
    this.select = createElement("select", { "aria-label": "Cells found by" })
    this.select.addEventListener("change", () => this.choose(this.select.value, null))
    this.list = createElement("div", { class: "cell-list", role: "listbox", "aria-label": "Cells of the field of view", tabindex: -1 })
    this.list.addEventListener("keydown", event => this.handleKey(event))
    // Every cell says it to screen readers.
    this.head = createElement("p", { class: "cell-list-head", "aria-hidden": "true" })
    this.details = createElement("div", { class: "cell-details", "aria-live": "polite" })
    this.node = createElement("section", { class: "viewer cell-panel", "aria-label": "Cell details" }, this.select, this.head, this.list, this.details)
    this.node.addEventListener("keydown", event => this.handleTypeKey(event))
    root.append(this.node)
    store.events.addEventListener("selection", () => this.onSelection(), { signal: this.abort.signal })
  }

  update({ data: [props], setTriggerValue }) {
    Object.assign(this, { props, setTriggerValue })
    this.node.classList.toggle("is-crop", props.is_crop)
    this.select.replaceChildren(...props.models.map(({ key, title }) => new Option(title, key)))
    this.select.hidden = props.models.length < 2
    const { selection } = store, isCurrent = selection?.imageId === props.image_id
    if (isCurrent) Object.assign(this, { key: selection.key, id: selection.ids.length === 1 ? selection.ids[0] : null })
    this.render()
  }

  get model() {
    const { models } = this.props, model = models.find(({ key }) => key === this.key) ?? models[0]
    return { ...model, cells: followViewer(model.cells, this.getNumbers(model.key)) }
  }

  // The numbers of the cells that the viewer shows of a model; null if it shows none of them.
  getNumbers(key) {
    const { selection } = store
    return selection?.imageId === this.props.image_id && selection.key === key ? selection.numbers : null
  }

  onSelection() {
    const { imageId, key, ids, numbers } = store.selection
    if (imageId !== this.props?.image_id) return
    const id = ids.length === 1 ? ids[0] : null, shown = [...numbers].join()
    if (key === this.key && id === this.id && shown === this.shownNumbers) return
    Object.assign(this, { key, id, shownNumbers: shown })
    this.render()
    this.showSelected()
  }

  // Scrolls the list, never the page: on a phone, the image would leave the window.
  showSelected() {
    const option = this.list.querySelector("[aria-selected=true]")
    if (!option) return
    const shown = this.list.getBoundingClientRect(), { top, bottom } = option.getBoundingClientRect()
    this.list.scrollTop += Math.min(0, top - shown.top) + Math.max(0, bottom - shown.bottom)
  }

  // Selects a cell here and in the viewer.
  choose(key, id) {
    Object.assign(this, { key, id })
    this.render()
    store.events.dispatchEvent(new CustomEvent("select-cell", { detail: { key, id } }))
  }

  // Files a cell under a type; the server answers with new props.
  file(cell, index) {
    if (index !== (cell.type?.index ?? null) || cell.type?.is_assigned === false) {
      this.setTriggerValue("type", { digest: this.props.digest, model: this.model.key, id: cell.id, type: index })
    }
  }

  handleTypeKey(event) {
    const index = findTypeOfKey(event, this.props.types.length), cell = this.shown
    if (index === null || !cell) return
    event.preventDefault()
    event.stopPropagation()
    this.file(cell, index)
  }

  // The cell whose details are shown.
  get shown() {
    const { cells } = this.model
    return cells.find(({ id }) => id === this.id) ?? (this.props.is_crop ? cells[0] : undefined)
  }

  render() {
    const { cells, key } = this.model, hadFocus = this.list.contains(this.list.getRootNode().activeElement)
    this.select.value = key
    const selected = cells.find(({ id }) => id === this.id)
    this.list.replaceChildren(...cells.map(cell => this.createOption(cell, cell === (selected ?? cells[0]), cell === selected)))
    this.list.hidden = this.head.hidden = !cells.length || this.props.is_crop
    this.head.textContent = this.props.summary_title
    this.list.classList.toggle("has-types", cells.some(({ type }) => type))
    if (hadFocus) this.list.querySelector("[tabindex='0']")?.focus({ preventScroll: true })
    this.showDetails(this.shown)
  }

  createOption(cell, isReachable, isSelected) {
    // Beside a type, there is no room for the words of a status.
    const label = createElement("span", { class: cell.type ? "visually-hidden" : "" }, cell.status_label)
    const status = cell.status ? [createElement("span", { class: `badge ${cell.status}`, title: cell.status_label }, createElement("span", { class: "symbol", "aria-hidden": "true" }, STATUS_SYMBOLS[cell.status]), label)] : []
    const type = cell.type ? [createElement("span", { class: "type-name", title: cell.type.title }, createElement("i", { class: "type-dot", style: `background: ${this.props.types[cell.type.index]?.colour}`, "aria-hidden": "true" }), this.props.types[cell.type.index]?.title ?? cell.type.title)] : []
    return createElement(
      "div",
      { role: "option", "aria-selected": isSelected ? "true" : "false", tabindex: isReachable ? 0 : -1, onclick: () => this.choose(this.model.key, cell.id) },
      createElement("strong", {}, createElement("span", { class: "visually-hidden" }, "Cell "), String(cell.number)), ...type, ...status,
      createElement("span", { class: "summary", title: this.props.summary_title }, createElement("span", { class: "visually-hidden" }, `${this.props.summary_title} `), cell.summary),
    )
  }

  handleKey(event) {
    const options = [...this.list.children], index = findNextIndex(options.indexOf(event.target), event.key, options.length)
    if (index === null) return
    event.preventDefault()
    event.stopPropagation()
    this.choose(this.model.key, this.model.cells[index].id)
    this.list.children[index].focus()
  }

  showDetails(cell) {
    const focused = this.details.getRootNode().activeElement, hadFocus = this.details.contains(focused)
    const type = cell && createTypeBlock({ type: cell.type, types: this.props.types, choose: index => this.file(cell, index) })
    if (cell && this.props.is_crop) {
      this.details.replaceChildren(type)
      if (hadFocus) type.querySelector("select").focus({ preventScroll: true })
      return
    }
    if (!cell) {
      this.details.replaceChildren(createElement("p", { class: "empty" }, this.model.cells.length ? "Select a cell on the image or in the list to see its details." : ""))
      return
    }
    const thumbnail = createElement("canvas", { width: THUMBNAIL_SIDE, height: THUMBNAIL_SIDE, role: "img", "aria-label": `Cell ${cell.number}` })
    const rows = cell.values.map((value, i) => createElement("div", {}, createElement("dt", {}, this.props.labels[i]), createElement("dd", {}, value)))
    const heading = createElement("strong", {}, `Cell ${cell.number}${cell.status_label ? ` · ${cell.status_label}` : ""}`)
    const reasons = cell.reasons.map(reason => createElement("p", {}, reason))
    this.details.replaceChildren(
      createElement("div", { class: "cell-heading" }, thumbnail, createElement("div", {}, heading, ...reasons)), type, createElement("dl", {}, ...rows),
    )
    if (hadFocus) type.querySelector("select").focus({ preventScroll: true })
    this.drawThumbnail(thumbnail, cell)
  }

  async drawThumbnail(canvas, cell) {
    const payload = getPayload(this.props.digest)
    if (!payload) return
    const image = await loadImage(payload), [left, top, side] = computeSquare(cell.bbox), scale = THUMBNAIL_SIDE / side
    const context = canvas.getContext("2d")
    context.imageSmoothingEnabled = scale < 1
    context.drawImage(image.overview ?? image, -left * scale, -top * scale, image.width * scale, image.height * scale)
  }

  destroy() {
    this.abort.abort()
    this.node.remove()
  }
}

// Returns the cells as the viewer shows them at this moment: after a correction it is ahead of the list.
function followViewer(cells, numbers) {
  if (!numbers) return cells
  return cells.filter(({ id }) => numbers.has(id)).map(cell => (numbers.get(cell.id) === cell.number ? cell : { ...cell, number: numbers.get(cell.id) }))
}

export default function (component) {
  const root = component.parentElement
  root.cellList ??= new CellList(root)
  root.cellList.update(component)
  const runCount = (root.cellList.runCount = (root.cellList.runCount ?? 0) + 1)
  return () => {
    // Streamlit may clean up after a run that a newer one has overtaken.
    if (runCount !== root.cellList?.runCount) return
    root.cellList.destroy()
    delete root.cellList
  }
}
