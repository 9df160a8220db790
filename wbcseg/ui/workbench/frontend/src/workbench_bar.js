import { createElement, setPressed } from "../../../viewer/frontend/src/dom.js"

const SIZES = { min: 48, max: 160 }

// The tools above the cells: view, order, filter, display, undo; and a button for each type, which files the selection.
export class WorkbenchBar {
  constructor(workbench) {
    this.workbench = workbench
    const button = (properties, ...children) => createElement("button", properties, ...children)
    this.viewButtons = ["gallery", "table"].map(view => button({ onclick: () => workbench.setState({ view }) }, view === "gallery" ? "Gallery" : "Table"))
    this.sort = createElement("select", { "aria-label": "Sort by", onchange: () => workbench.setState({ sort: this.sort.value }) })
    this.direction = button({ onclick: () => workbench.setState({ descending: !workbench.state.descending }) })
    this.filterMenu = this.createMenu("Filter", this.createFilter())
    this.displayMenu = this.createMenu("Display", this.createDisplay())
    this.undoButton = button({ "aria-label": "Undo", title: "Undo (Ctrl+Z)", onclick: () => workbench.undo() }, "↶")
    this.redoButton = button({ "aria-label": "Redo", title: "Redo (Ctrl+Shift+Z)", onclick: () => workbench.redo() }, "↷")
    this.helpMenu = this.createMenu("?", createElement("div", { class: "keys" }, ...KEYS.flatMap(([key, text]) => [createElement("kbd", {}, key), createElement("span", {}, text)])), "Keys and mouse")
    this.tools = createElement(
      "div",
      { class: "tools" },
      createElement("div", { class: "segments", role: "group", "aria-label": "View" }, ...this.viewButtons),
      createElement("label", { class: "sort" }, "Sort ", this.sort, this.direction),
      this.filterMenu.node, this.displayMenu.node,
      createElement("div", { class: "segments" }, this.undoButton, this.redoButton),
      this.helpMenu.node,
    )
    this.types = createElement("div", { class: "types", role: "group", "aria-label": "File the selected cells under" })
    this.count = createElement("p", { class: "count" })
    this.node = createElement("div", { class: "bar" }, this.tools, this.types, this.count)
  }

  createMenu(title, content, label = title) {
    const panel = createElement("div", { class: "menu", hidden: true }, content)
    const toggle = createElement("button", { "aria-expanded": false, "aria-label": label, title: label, onclick: () => this.toggleMenu(menu) }, title)
    const menu = { toggle, panel, node: createElement("div", { class: "menu-anchor" }, toggle, panel) }
    return menu
  }

  get menus() {
    return [this.filterMenu, this.displayMenu, this.helpMenu]
  }

  toggleMenu(menu) {
    const isOpening = menu.panel.hidden
    this.closeMenus()
    menu.panel.hidden = !isOpening
    menu.toggle.setAttribute("aria-expanded", isOpening)
  }

  // Returns whether a menu was open.
  closeMenus() {
    const open = this.menus.filter(({ panel }) => !panel.hidden)
    for (const { panel, toggle } of open) {
      panel.hidden = true
      toggle.setAttribute("aria-expanded", false)
    }
    return open.length > 0
  }

  createFilter() {
    const { workbench } = this
    const read = input => (input.value === "" ? null : Number(input.value))
    const change = () => workbench.setFilter({
      types: [...this.typeBoxes.querySelectorAll("input:checked")].map(input => Number(input.value)),
      statuses: [...this.statusBoxes.querySelectorAll("input:checked")].map(input => Number(input.value)),
      image: this.imageSelect.value === "" ? null : Number(this.imageSelect.value),
      maxConfidence: read(this.confidence) === null ? null : read(this.confidence) / 100,
      feature: Number(this.featureSelect.value), low: read(this.low), high: read(this.high),
      refiled: this.refiled.checked,
    })
    const number = (label, properties = {}) => createElement("input", { type: "number", step: "any", "aria-label": label, placeholder: label, onchange: change, ...properties })
    this.typeBoxes = createElement("div", { class: "boxes", onchange: change })
    this.statusBoxes = createElement("div", { class: "boxes", onchange: change })
    this.imageSelect = createElement("select", { "aria-label": "Image", onchange: change })
    this.featureSelect = createElement("select", { "aria-label": "Measurement", onchange: change })
    this.low = number("from")
    this.high = number("to")
    this.confidence = number("100", { min: 0, max: 100, "aria-label": "Probability at most, in percent" })
    this.refiled = createElement("input", { type: "checkbox", onchange: change })
    const clear = createElement("button", { onclick: () => (workbench.setFilter({}), this.fillFilter()) }, "Clear filter")
    return createElement("div", { class: "filter" },
      createElement("b", {}, "Type"), this.typeBoxes,
      createElement("b", {}, "Quality"), this.statusBoxes,
      createElement("b", {}, "Image"), this.imageSelect,
      createElement("b", {}, "Probability at most, %"), this.confidence,
      createElement("b", {}, "Measurement"), createElement("div", { class: "range" }, this.featureSelect, this.low, this.high),
      createElement("label", {}, this.refiled, " Only cells filed by a person"), clear,
    )
  }

  createDisplay() {
    const { workbench } = this
    this.size = createElement("input", { type: "range", ...SIZES, step: 8, "aria-label": "Size of the tiles", oninput: () => workbench.setState({ size: Number(this.size.value) }) })
    const check = (name, label) => {
      const input = createElement("input", { type: "checkbox", onchange: () => workbench.setState({ [name]: input.checked }) })
      this[name] = input
      return createElement("label", {}, input, ` ${label}`)
    }
    this.columnBoxes = createElement("div", { class: "boxes", onchange: () => workbench.setState({ columns: [...this.columnBoxes.querySelectorAll("input:checked")].map(input => Number(input.value)) }) })
    return createElement("div", { class: "filter" },
      createElement("label", {}, "Size ", this.size), check("outlines", "Outlines (O)"), check("oneScale", "All cells at one scale"),
      createElement("b", {}, "Columns of the table"), this.columnBoxes,
    )
  }

  // Fills what depends on the cells: called when Python sends others.
  fill() {
    const { info } = this.workbench
    const option = (value, text) => createElement("option", { value }, text)
    const box = (value, text) => createElement("label", {}, createElement("input", { type: "checkbox", value }), ` ${text}`)
    const features = info.features.map((feature, i) => [i, feature.label])
    this.sort.replaceChildren(
      option("order", "Order of the images"), option("confidence", "Probability"), option("status", "Quality"), option("type", "Type"),
      ...features.map(([i, label]) => option(`feature:${i}`, label)),
    )
    this.typeBoxes.replaceChildren(...info.types.map((type, i) => box(i, type.title)))
    this.statusBoxes.replaceChildren(...info.statuses.map((status, i) => box(i, status.label)))
    this.imageSelect.replaceChildren(option("", "All images"), ...info.images.map((name, i) => option(i, name)))
    this.featureSelect.replaceChildren(option(-1, "none"), ...features.map(([i, label]) => option(i, label)))
    this.columnBoxes.replaceChildren(...features.map(([i, label]) => box(i, label)))
    this.types.replaceChildren(...info.types.map((type, i) => {
      const count = createElement("span", { class: "number" })
      return createElement("button", { "data-type": i, title: `File under ${type.title} (${i + 1})`, onclick: () => this.workbench.fileUnder(i) },
        createElement("kbd", {}, i + 1), createElement("i", { style: `background: ${type.colour}` }), createElement("span", {}, type.title), count)
    }))
    this.fillFilter()
  }

  fillFilter() {
    const { filter } = this.workbench.state
    for (const input of this.typeBoxes.querySelectorAll("input")) input.checked = filter.types?.includes(Number(input.value)) ?? false
    for (const input of this.statusBoxes.querySelectorAll("input")) input.checked = filter.statuses?.includes(Number(input.value)) ?? false
    this.imageSelect.value = filter.image ?? ""
    this.featureSelect.value = filter.feature ?? -1
    this.low.value = filter.low ?? ""
    this.high.value = filter.high ?? ""
    this.confidence.value = filter.maxConfidence === null || filter.maxConfidence === undefined ? "" : 100 * filter.maxConfidence
    this.refiled.checked = filter.refiled ?? false
  }

  update() {
    const { workbench } = this, { state, operations } = workbench
    this.viewButtons.forEach((button, i) => setPressed(button, state.view === ["gallery", "table"][i]))
    this.sort.value = state.sort
    this.direction.textContent = state.descending ? "↓" : "↑"
    this.direction.setAttribute("aria-label", state.descending ? "Descending" : "Ascending")
    this.size.value = state.size
    this.outlines.checked = state.outlines
    this.oneScale.checked = state.oneScale
    for (const input of this.columnBoxes.querySelectorAll("input")) input.checked = state.columns.includes(Number(input.value))
    this.undoButton.disabled = operations.undoDepth <= 0
    this.redoButton.disabled = operations.redoDepth <= 0
    for (const button of this.types.children) {
      button.lastChild.textContent = workbench.counts.get(Number(button.dataset.type)) ?? 0
      button.disabled = !workbench.targets.length
    }
    const { length } = workbench.ordered, total = workbench.cells.length, selected = workbench.selection.size
    const shown = length === total ? `${total} ${total === 1 ? "cell" : "cells"}` : `${length} of ${total} cells shown`
    this.count.textContent = selected ? `${shown} · ${selected} selected` : shown
    setPressed(this.filterMenu.toggle, length !== total)
  }

  markTarget(type) {
    for (const button of this.types.children) button.classList.toggle("is-target", Number(button.dataset.type) === type)
  }
}

const KEYS = [
  ["1–9", "file the selected cells under a type"],
  ["Drag", "file cells: drop them on a group or a type"],
  ["← → ↑ ↓", "go to another cell; with Shift, extend the selection"],
  ["Space", "select the cell, or take it out of the selection"],
  ["Shift, Ctrl", "with a click: select a range; add a cell"],
  ["Drag from a gap", "select cells with a rectangle; Shift starts it anywhere"],
  ["Ctrl+A, Esc", "select all; select none"],
  ["Ctrl+Z", "undo; with Shift, redo"],
  ["O", "outlines on or off"],
  ["T", "gallery or table"],
  ["Enter", "correct the mask of the cell"],
]
