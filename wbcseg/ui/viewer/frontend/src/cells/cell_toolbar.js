import { createElement, setPressed } from "../dom.js"
import { TOOLS } from "./cell_tools.js"
import { createIcon } from "./icons.js"

// The tools for the cells of a field of view: one slim bar, and a line that says what to do or what went wrong.

export class CellToolbar {
  constructor(field) {
    this.field = field
    this.tools = Object.entries(TOOLS).map(([tool, { title, key }]) =>
      this.createButton(tool, `${title} (${key})`, () => this.chooseTool(tool), { "aria-pressed": "false", "data-tool": tool }),
    )
    this.undoButton = this.createButton("undo", "Undo (Ctrl+Z)", () => field.undo())
    this.redoButton = this.createButton("redo", "Redo (Ctrl+Shift+Z)", () => field.redo())
    this.numbersButton = this.createButton("numbers", "Show or hide numbers and types (N)", () => this.toggleNumbers(), { "aria-pressed": "true" })
    this.styleButton = this.createButton("fill", "Outlines or fill (O)", () => this.toggleStyle(), { "aria-pressed": "false" })
    this.edgeRule = createElement("select", { "aria-label": "Cells cut off by the image edge", title: "Which cells count that the image edge cuts off" })
    this.edgeRuleLabel = createElement("label", {}, "Count ", this.edgeRule)
    this.edgeRule.addEventListener("change", () => field.setEdgeRule(this.edgeRule.value))
    this.hint = createElement("span", {})
    this.action = createElement("button", { type: "button", hidden: true, onclick: () => this.runAction() })
    this.hintLine = createElement("p", { class: "hint" }, this.hint, this.action)
    this.footer = createElement("div", { class: "cell-footer", hidden: true }, this.hintLine, this.edgeRuleLabel)
    const group = (label, ...children) => createElement("div", { class: "tools", role: "group", "aria-label": label }, ...children)
    this.node = createElement(
      "div", { class: "cell-bar", role: "toolbar", "aria-label": "Cells", hidden: true },
      group("Tools", ...this.tools), group("History", this.undoButton, this.redoButton),
      group("Display", this.numbersButton, this.styleButton), this.footer,
    )
    this.node.addEventListener("keydown", event => this.moveFocus(event))
  }

  createButton(icon, label, onclick, more = {}) {
    return createElement("button", { type: "button", class: "icon", title: label, "aria-label": label, onclick, ...more }, createIcon(icon))
  }

  chooseTool(tool) {
    const { field } = this
    if (tool === "delete" && field.deleteSelected()) return
    if (tool === "merge" && field.tools.tool !== "merge" && field.selection.size > 1) return field.mergeSelected()
    field.tools.select(tool)
    field.panel?.canvas.focus({ preventScroll: true })
  }

  // Puts the hint and the edge rule into a line of the viewer's, or back into the bar where there is none.
  arrange(line) {
    const parent = line ?? this.node
    if (this.footer.parentNode === parent) return
    if (line) line.prepend(this.footer)
    else parent.append(this.footer)
    this.node.setAttribute("aria-orientation", line ? "vertical" : "horizontal")
  }

  // Moves the focus along the bar with the arrow keys, so that they do not go to another image.
  moveFocus(event) {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key]
    if (!step || event.target === this.edgeRule) return
    const buttons = [...this.node.querySelectorAll("button:not(:disabled)")], index = buttons.indexOf(event.target)
    buttons[(index + step + buttons.length) % buttons.length].focus()
    event.preventDefault()
    event.stopPropagation()
  }

  toggleNumbers() {
    const { viewer } = this.field
    viewer.setState({ numbers: !viewer.state.numbers })
    viewer.announce(viewer.state.numbers ? "Numbers and types shown" : "Numbers and types hidden")
  }

  toggleStyle() {
    const { viewer } = this.field
    viewer.setState({ style: viewer.style === "outline" ? "both" : "outline" })
  }

  // What the line offers as a button, so that a phone needs no key.
  getAction() {
    const { tools, selection, panel } = this.field
    if (tools.tool === "merge" && selection.size > 1) return [`Merge ${selection.size} cells`, () => tools.confirm()]
    if (tools.tool === "region" && tools.points.length > 2) return ["Close region", () => tools.confirm()]
    if (panel && this.field.getCounting(panel.key).region) return ["Clear region", () => this.field.setRegion(null)]
    return null
  }

  runAction() {
    this.getAction()?.[1]()
  }

  get hintText() {
    const { problem, tools, layer, selection } = this.field
    if (problem) return problem
    if (tools.isActive) return TOOLS[tools.tool].hint
    if (!layer.cells.length) return "No white blood cell found. If you see one, choose Add a cell and click it."
    if (selection.size > 1) return `${selection.size} cells selected.`
    if (selection.size) return `${this.field.describeCell(layer.get([...selection][0]))}.`
    return "Select cells to delete or merge them."
  }

  update() {
    const { field } = this, { viewer, tools, panel, edits } = field
    this.node.hidden = this.footer.hidden = !panel || Boolean(viewer.editor)
    if (!panel) return
    for (const button of this.tools) setPressed(button, button.dataset.tool === tools.tool)
    this.undoButton.disabled = !edits.canUndo
    this.redoButton.disabled = !edits.canRedo
    setPressed(this.numbersButton, viewer.state.numbers)
    setPressed(this.styleButton, viewer.style !== "outline")
    this.updateEdgeRule(field.getCounting(panel.key).edgeRule)
    const action = this.getAction()
    this.hint.textContent = this.hintText
    this.action.hidden = !action
    this.action.textContent = action?.[0] ?? ""
    this.hintLine.classList.toggle("problem", Boolean(field.problem) || (!tools.isActive && !field.layer.cells.length))
    viewer.grid.dataset.tool = tools.tool
  }

  updateEdgeRule(edgeRule) {
    const rules = this.field.viewer.props.edge_rules
    this.edgeRuleLabel.hidden = rules.length < 2
    if (this.edgeRule.options.length !== rules.length) this.edgeRule.replaceChildren(...rules.map(({ key, title }) => new Option(title, key)))
    this.edgeRule.value = edgeRule
  }
}
