import { createElement } from "../../../viewer/frontend/src/dom.js"
import { NO_TYPE, describeCell, getConfidence } from "./cell_list.js"
import { drawTile } from "./tile.js"

const ROW = 40, OVERSCAN = 8

// The same cells as rows. Only rows in view have elements.
export class CellTable {
  constructor(workbench, signal) {
    this.workbench = workbench
    this.rows = new Map()
    this.header = createElement("div", { class: "table-row table-header", role: "row" })
    this.content = createElement("div", { class: "content", role: "rowgroup" })
    this.node = createElement(
      "div",
      { class: "viewport table", tabindex: 0, role: "grid", "aria-multiselectable": true, "aria-label": "Cells" },
      this.header,
      this.content,
    )
    const on = (type, handle, options = {}) => this.node.addEventListener(type, handle, { signal, ...options })
    on("scroll", () => this.draw(), { passive: true })
    on("click", event => this.click(event))
    on("dblclick", event => this.findRow(event) && workbench.open())
  }

  get columns() {
    const { info, state } = this.workbench
    return [
      { key: "order", title: "Cell", width: "minmax(9rem, 1.6fr)", text: cell => `${cell.imageName}${cell.number ? ` · ${cell.number}` : ""}` },
      { key: "type", title: "Type", width: "minmax(8rem, 1fr)", text: cell => (info.types[cell.type]?.title ?? NO_TYPE) + (cell.isAssigned ? " ✎" : "") },
      { key: "confidence", title: "Probability", width: "6.4rem", isNumber: true, text: cell => (getConfidence(cell) === null ? "–" : `${Math.round(100 * getConfidence(cell))} %`) },
      { key: "status", title: "Quality", width: "minmax(7.5rem, 1fr)", text: cell => info.statuses[cell.status]?.label ?? "–" },
      ...state.columns.map(index => ({
        key: `feature:${index}`,
        title: info.features[index].label,
        width: "7.2rem",
        isNumber: true,
        text: cell => formatValue(cell.values[index], info.features[index]),
      })),
    ]
  }

  layOut() {
    const { columns, workbench } = this, template = `48px ${columns.map(({ width }) => width).join(" ")}`
    this.node.style.setProperty("--columns", template)
    this.node.setAttribute("aria-rowcount", workbench.ordered.length + 1)
    this.header.replaceChildren(
      createElement("span", { role: "columnheader" }),
      ...columns.map(({ key, title, isNumber }) => {
        const isSorted = workbench.state.sort === key, direction = workbench.state.descending ? "descending" : "ascending"
        const arrow = isSorted ? (workbench.state.descending ? " ↓" : " ↑") : ""
        return createElement(
          "span",
          { role: "columnheader", "aria-sort": isSorted ? direction : "none", class: isNumber ? "number" : "" },
          createElement("button", { "data-sort": key, tabindex: -1 }, title + arrow),
        )
      }),
    )
    this.content.style.height = `${ROW * workbench.ordered.length}px`
    for (const row of this.rows.values()) row.look = row.drawn = ""
    this.draw()
  }

  draw() {
    if (!this.node.isConnected) return
    const { scrollTop, clientHeight } = this.node, { ordered } = this.workbench
    const first = Math.max(0, Math.floor(scrollTop / ROW) - OVERSCAN), last = Math.min(ordered.length, Math.ceil((scrollTop + clientHeight) / ROW) + OVERSCAN)
    const shown = new Map()
    for (let i = first; i < last; i++) shown.set(ordered[i].key, i)
    const spare = []
    for (const [key, row] of this.rows) if (!shown.has(key)) (this.rows.delete(key), spare.push(row))
    for (const [key, i] of shown) {
      let row = this.rows.get(key)
      if (!row) {
        row = spare.pop() ?? this.createRow()
        row.look = row.drawn = ""
        this.rows.set(key, row)
      }
      this.placeRow(row, ordered[i], i)
    }
    for (const row of spare) row.node.remove()
  }

  createRow() {
    const canvas = createElement("canvas"), node = createElement("div", { class: "table-row", role: "row" })
    this.content.append(node)
    return { node, canvas }
  }

  placeRow(row, cell, index) {
    const { workbench } = this, { node, canvas } = row
    node.style.transform = `translateY(${index * ROW}px)`
    const isSelected = workbench.selection.has(cell.key), isActive = workbench.active === cell.key
    const look = [cell.key, cell.type, cell.isAssigned, workbench.state.columns.join(), index].join("|")
    if (row.look !== look) {
      row.look = look
      node.dataset.key = cell.key
      node.setAttribute("aria-rowindex", index + 2)
      node.setAttribute("aria-label", describeCell(cell, workbench.info))
      const texts = this.columns.map(({ text, isNumber }) => createElement("span", { role: "gridcell", class: isNumber ? "number" : "" }, text(cell)))
      node.replaceChildren(createElement("span", { role: "gridcell", "data-status": workbench.info.statuses[cell.status]?.name ?? "none", class: "thumb" }, canvas), ...texts)
    }
    node.classList.toggle("is-active", isActive)
    node.setAttribute("aria-selected", isSelected)
    const drawing = [cell.key, workbench.sheets[cell.sheet], cell.slot, workbench.state.outlines].join("|")
    if (row.drawn !== drawing) {
      const isDone = drawTile(canvas, cell, workbench.sheets, { side: 64, square: workbench.square, outlines: workbench.state.outlines })
      row.drawn = isDone ? drawing : ""
    }
  }

  findRow(event) {
    return event.composedPath().find(node => node.dataset?.key && node.classList.contains("table-row")) ?? null
  }

  click(event) {
    const sort = event.composedPath()[0].dataset?.sort, { workbench } = this
    if (sort) {
      workbench.sortBy(sort)
      // The header is made anew; the keyboard goes on in the table.
      return this.node.focus({ preventScroll: true })
    }
    const row = this.findRow(event)
    if (!row) return
    const { key } = row.dataset
    if (event.shiftKey) workbench.selectTo(key)
    else if (event.ctrlKey || event.metaKey) workbench.toggle(key)
    else workbench.select([key], key)
  }

  reveal(key) {
    const index = this.workbench.ordered.findIndex(cell => cell.key === key)
    if (index < 0) return
    const { scrollTop, clientHeight } = this.node, head = this.header.offsetHeight
    if (index * ROW < scrollTop) this.node.scrollTop = index * ROW
    else if ((index + 1) * ROW + head > scrollTop + clientHeight) this.node.scrollTop = (index + 1) * ROW + head - clientHeight
  }

  move(direction) {
    const { ordered, active } = this.workbench, index = ordered.findIndex(cell => cell.key === active)
    return ordered[Math.min(ordered.length - 1, Math.max(0, index + (direction === "up" || direction === "left" ? -1 : 1)))] ?? null
  }

  get pageSize() {
    return Math.max(1, Math.floor(this.node.clientHeight / ROW) - 1)
  }
}

// Formats a measurement as the rest of the page does.
export function formatValue(value, { decimals }) {
  return value === null || value === undefined ? "–" : value.toFixed(decimals)
}
