import { createElement, setPressed } from "./dom.js"
import { createIcon } from "./cells/icons.js"
import { DisplayMenu } from "./display_menu.js"
import { keepInWindow } from "./badges.js"

// The controls: one slim bar of icons. Each has a name for screen readers, a visible focus and a tooltip with its key.

const SIDE_ATTRIBUTE = "data-side-panel"

export class Toolbar {
  constructor(viewer) {
    this.viewer = viewer
    const button = (icon, name, tooltip, onclick, more = {}) =>
      createElement("button", { type: "button", class: "icon", title: tooltip, "aria-label": name, onclick, ...more }, createIcon(icon))
    const group = (label, ...children) => createElement("div", { class: "tools", role: "group", "aria-label": label }, ...children)
    const isMenu = { "aria-expanded": "false" }, isToggle = { "aria-pressed": "false" }
    this.display = new DisplayMenu(viewer)
    this.panelsButton = button("panels", "Panels", "Panels: choose and order them (P)", () => this.toggleMenu(this.panelsMenu), isMenu)
    this.panelsMenu = createElement("div", { class: "menu", role: "group", "aria-label": "Panels", hidden: true })
    this.displayButton = button("display", "Display", "Display: style, colours, confidence threshold (V)", () => this.toggleMenu(this.displayMenu), isMenu)
    this.displayMenu = this.display.node
    this.swipeButton = button("swipe", "Swipe", "Swipe: compare two panels with a divider (X)", () => viewer.swipe.toggle(), isToggle)
    this.hideButton = button("hide", "Hold to hide overlay", "Hold to hide overlay (H)", null, isToggle)
    this.setUpHideButton()
    this.fitButton = button("fit", "Fit to panel", "Fit the image to the panel (0)", () => viewer.fit())
    this.editButton = button("edit", "Edit mask", "Edit a model's mask (E)", () => this.toggleEditing(), isToggle)
    this.saveButton = button("image", "Save", "Save the view, a figure or a mask", () => this.toggleMenu(this.saveMenu), isMenu)
    this.saveMenu = createElement("div", { class: "menu", role: "group", "aria-label": "Save", hidden: true })
    this.helpButton = button("help", "Keyboard shortcuts and gestures", "Keyboard shortcuts (?)", () => viewer.help.toggle(), isMenu)
    this.sideButton = button("side", "Details", "Show or hide the details beside the image", () => this.toggleSide(), { "aria-pressed": "true", class: "icon side-button" })
    this.menus = [
      [this.panelsMenu, this.panelsButton],
      [this.displayMenu, this.displayButton],
      [this.saveMenu, this.saveButton],
    ]
    const anchor = (menuButton, menu) => createElement("div", { class: "menu-anchor" }, menuButton, menu)
    this.classSlot = createElement("div", { class: "class-slot" })
    this.node = createElement(
      "div",
      { class: "bar", role: "toolbar", "aria-label": "Viewer controls" },
      group("View", anchor(this.panelsButton, this.panelsMenu), this.swipeButton, anchor(this.displayButton, this.displayMenu), this.hideButton, this.fitButton),
      this.classSlot,
      group("Mask and files", this.editButton, anchor(this.saveButton, this.saveMenu), this.helpButton, this.sideButton),
    )
    this.node.addEventListener("keydown", event => this.handleKey(event))
    document.addEventListener("pointerdown", event => {
      if (!event.composedPath().some(node => node.classList?.contains("menu-anchor"))) this.closeMenus()
    }, { signal: viewer.abort.signal })
  }

  // Escape closes a menu; in the bar, arrow keys move the focus, so that they do not go to another image.
  handleKey(event) {
    if (event.key === "Escape") this.closeMenus(true)
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (!step || event.target.closest(".menu")) return
    const isShown = button => !button.disabled && button.offsetParent && !button.closest(".menu")
    const buttons = [...this.node.querySelectorAll("button")].filter(isShown), index = buttons.indexOf(event.target)
    buttons[(index + step + buttons.length) % buttons.length].focus()
    event.preventDefault()
    event.stopPropagation()
  }

  setUpHideButton() {
    const setHidden = isHidden => this.viewer.setHidden(isHidden), button = this.hideButton
    button.addEventListener("pointerdown", event => {
      button.setPointerCapture(event.pointerId)
      setHidden(true)
    })
    for (const type of ["pointerup", "pointercancel", "blur"]) button.addEventListener(type, () => setHidden(false))
    button.addEventListener("keydown", event => [" ", "Enter"].includes(event.key) && (event.preventDefault(), setHidden(true)))
    button.addEventListener("keyup", () => setHidden(false))
    button.addEventListener("contextmenu", event => event.preventDefault())
  }

  // Shows or hides the page's side panel, which is outside of the viewer.
  toggleSide() {
    const { state } = this.viewer
    state.isSideHidden = !state.isSideHidden
    this.updateSide()
  }

  updateSide() {
    const { isSideHidden } = this.viewer.state
    document.documentElement.setAttribute(SIDE_ATTRIBUTE, isSideHidden ? "hidden" : "shown")
    setPressed(this.sideButton, !isSideHidden)
  }

  listSaveItems() {
    const item = (text, kind, part) =>
      createElement("button", { type: "button", onclick: () => (this.closeMenus(true), this.viewer.save(kind, part)) }, text)
    const models = this.viewer.props.panels.filter(panel => panel.kind === "model")
    return [
      item("Current view (PNG)", "view"), item("Figure with all panels (PNG)", "png"), item("Figure with all panels (SVG)", "svg"),
      ...models.map(panel => item(`Mask of ${panel.title} (PNG, grey values)`, "mask", panel.part)),
    ]
  }

  toggleMenu(menu) {
    const wasHidden = menu.hidden
    this.closeMenus()
    if (!wasHidden) return
    if (menu === this.panelsMenu) this.listPanels()
    if (menu === this.saveMenu) menu.replaceChildren(...this.listSaveItems())
    menu.hidden = false
    this.menus.find(([candidate]) => candidate === menu)[1].setAttribute("aria-expanded", "true")
    keepInWindow(menu)
    const isReachable = node => node.tabIndex >= 0 && !node.disabled
    ;[...menu.querySelectorAll("button, input, select")].find(isReachable)?.focus()
  }

  closeMenus(returnFocus = false) {
    for (const [menu, button] of this.menus) {
      if (!menu.hidden && returnFocus) button.focus()
      menu.hidden = true
      button.setAttribute("aria-expanded", "false")
    }
  }

  // Lists all panels, each with a checkbox to show it and buttons to move it.
  listPanels() {
    const { viewer } = this, selected = viewer.selectedKeys
    const keys = [...selected, ...viewer.panelKeys.filter(key => !selected.includes(key))]
    const select = (newKeys, focusId) => {
      viewer.setState({ panels: newKeys })
      this.listPanels()
      this.panelsMenu.querySelector(`[data-focus="${CSS.escape(focusId)}"]`)?.focus()
    }
    const rows = keys.map(key => {
      const { title } = viewer.props.panels.find(panel => panel.key === key), index = selected.indexOf(key), id = `panel-${key}`
      const checkbox = createElement("input", { type: "checkbox", id, "data-focus": id })
      checkbox.checked = index >= 0
      checkbox.disabled = index >= 0 && selected.length === 1
      checkbox.addEventListener("change", () =>
        select(checkbox.checked ? [...selected, key] : selected.filter(other => other !== key), id),
      )
      const moveButton = (step, text, label) => {
        const target = index + step, disabled = index < 0 || target < 0 || target >= selected.length, focusId = `${label} ${key}`
        const onclick = () => {
          const newKeys = selected.filter(other => other !== key)
          newKeys.splice(target, 0, key)
          select(newKeys, focusId)
        }
        return createElement("button", { type: "button", "aria-label": `${label}: ${title}`, "data-focus": focusId, disabled, onclick }, text)
      }
      const label = createElement("label", { for: id }, checkbox, " ", title)
      return createElement("li", {}, label, moveButton(-1, "↑", "Move up"), moveButton(1, "↓", "Move down"))
    })
    this.panelsMenu.replaceChildren(createElement("ul", {}, ...rows))
  }

  toggleEditing() {
    const { viewer } = this
    if (this.editButton.disabled) return
    if (viewer.editor) return viewer.edit(null)
    const models = viewer.panels.filter(panel => panel.props.kind === "model")
    const panel = models.find(model => model.canvas === viewer.root.activeElement) ?? models[0]
    if (panel) viewer.edit(panel)
  }

  // Arranges the controls: nucleus and cytoplasm are in the bar as a legend where there is room, else in the menu. On a narrow page
  // that scrolls, a field of view is above the bar.
  arrange(isField, isNarrow, isFilling) {
    const layout = `${isField} ${isNarrow} ${isFilling}`
    if (layout === this.layout) return
    this.layout = layout
    const slot = isField || isNarrow ? this.display.classSlot : this.classSlot
    slot.prepend(this.display.classes)
    if (isField && isNarrow && !isFilling) this.viewer.statusLine.before(this.node)
    else this.viewer.node.prepend(this.node)
  }

  update() {
    const { viewer } = this
    this.display.update()
    setPressed(this.swipeButton, Boolean(viewer.state.swipe))
    setPressed(this.editButton, Boolean(viewer.editor))
    this.editButton.disabled = viewer.props.starts_editing || !viewer.props.panels.some(panel => panel.kind === "model")
    this.sideButton.hidden = !viewer.isFilling
    if (viewer.isFilling) this.updateSide()
  }
}
