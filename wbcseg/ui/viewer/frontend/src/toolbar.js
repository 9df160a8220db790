import { createElement, setPressed } from "./dom.js"

// The controls. Each has a name for screen readers, a visible focus and, where it has a shortcut, the key in its tooltip.

const STYLE_TITLES = { fill: "Fill", outline: "Outline", both: "Fill and outline" }

export class Toolbar {
  constructor(viewer) {
    this.viewer = viewer
    const button = (text, tooltip, onclick, more = {}) =>
      createElement("button", { type: "button", title: tooltip, onclick, ...more }, text)
    const group = (...children) => createElement("div", { class: "group" }, ...children)
    this.previous = button("‹", "Previous image (←)", () => viewer.goTo(viewer.props.previous_id), { "aria-label": "Previous image" })
    this.next = button("›", "Next image (→)", () => viewer.goTo(viewer.props.next_id), { "aria-label": "Next image" })
    this.name = createElement("strong", { class: "image-name" })
    const isMenu = { "aria-expanded": "false" }, isToggle = { "aria-pressed": "false" }
    this.panelsButton = button("Panels", "Choose and order the panels (P)", () => this.toggleMenu(this.panelsMenu), isMenu)
    this.panelsMenu = createElement("div", { class: "menu", role: "group", "aria-label": "Panels", hidden: true })
    this.coloursButton = button("Colours", "Palette, hatching, confidence threshold (V)", () => this.toggleMenu(this.coloursMenu), isMenu)
    this.coloursMenu = this.createColoursMenu()
    this.swipeButton = button("Swipe", "Compare two panels with a divider (X)", () => viewer.swipe.toggle(), isToggle)
    this.editButton = button("Edit mask", "Edit a model's mask (E)", () => this.toggleEditing(), isToggle)
    this.saveButton = button("Save", "Save the view, a figure or a mask", () => this.toggleMenu(this.saveMenu), isMenu)
    this.saveMenu = createElement("div", { class: "menu", role: "group", "aria-label": "Save", hidden: true })
    this.helpButton = button("?", "Keyboard shortcuts (?)", () => viewer.help.toggle(), { "aria-label": "Keyboard shortcuts and gestures", ...isMenu })
    this.hideButton = button("Hold to hide overlay", "Hold to hide overlay (H)", null, isToggle)
    this.setUpHideButton()
    this.styles = createElement("div", { class: "segments", role: "radiogroup", "aria-label": "Overlay style" })
    for (const [style, title] of Object.entries(STYLE_TITLES)) {
      this.styles.append(button(title, `${title} (O for the next style)`, () => viewer.setState({ style }), { role: "radio", "data-style": style }))
    }
    this.opacity = this.createSlider("Opacity", "opacity", "Opacity ([ and ])")
    this.classes = createElement("div", { class: "classes", role: "group", "aria-label": "Classes" })
    this.menus = [
      [this.panelsMenu, this.panelsButton],
      [this.coloursMenu, this.coloursButton],
      [this.saveMenu, this.saveButton],
    ]
    const anchor = (menuButton, menu) => createElement("div", { class: "menu-anchor" }, menuButton, menu)
    this.styleGroup = group(this.styles, this.opacity, this.hideButton)
    this.classGroup = group(this.classes, anchor(this.coloursButton, this.coloursMenu))
    this.node = createElement(
      "div",
      { class: "bar", role: "toolbar", "aria-label": "Viewer controls" },
      group(this.previous, this.name, this.next),
      group(anchor(this.panelsButton, this.panelsMenu), this.swipeButton),
      this.styleGroup, this.classGroup,
      group(this.editButton, anchor(this.saveButton, this.saveMenu), this.helpButton),
    )
    this.node.addEventListener("keydown", event => event.key === "Escape" && this.closeMenus(true))
    viewer.root.addEventListener("pointerdown", event => {
      if (!event.composedPath().some(node => node.classList?.contains("menu-anchor"))) this.closeMenus()
    })
  }

  createSlider(label, setting, tooltip) {
    const input = createElement("input", { type: "range", min: 0, max: 100, step: 5, "aria-label": label, title: tooltip })
    input.addEventListener("input", () => this.viewer.setState({ [setting]: input.value / 100 }))
    return input
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

  createColoursMenu() {
    const { viewer } = this
    this.palette = createElement("select", { "aria-label": "Palette" })
    this.palette.addEventListener("change", () => viewer.setState({ palette: this.palette.value }))
    this.customColours = createElement("div", { class: "custom-colours", role: "group", "aria-label": "Custom colours" })
    this.hatching = createElement("input", { type: "checkbox", id: "hatching" })
    this.hatching.addEventListener("change", () => viewer.setState({ hatching: this.hatching.checked }))
    this.classOutlines = createElement("input", { type: "checkbox", id: "class-outlines" })
    this.classOutlines.addEventListener("change", () => viewer.setState({ classOutlines: this.classOutlines.checked }))
    this.threshold = this.createSlider("Confidence threshold", "threshold", "Shows a model's pixels only from this probability on")
    this.thresholdText = createElement("output", {})
    return createElement(
      "div",
      { class: "menu", role: "group", "aria-label": "Colours", hidden: true },
      createElement("label", {}, "Palette ", this.palette), this.customColours,
      createElement("label", { for: "hatching" }, this.hatching, " Hatching (G): distinguishes classes without colour"),
      createElement("label", { for: "class-outlines" }, this.classOutlines, " Outlines in class colours instead of status colours"),
      createElement("label", {}, "Confidence threshold: ", this.thresholdText, this.threshold),
    )
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
    this.keepOnScreen(menu)
    menu.querySelector("button, input, select")?.focus()
  }

  // Moves an open menu to the left by as much as it exceeds the screen.
  keepOnScreen(menu) {
    menu.style.left = "0"
    const { left, right } = menu.getBoundingClientRect(), excess = right + 12 - document.documentElement.clientWidth
    if (excess > 0) menu.style.left = `${-Math.min(excess, left - 4)}px`
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
    if (viewer.editor) return viewer.edit(null)
    const models = viewer.panels.filter(panel => panel.props.kind === "model")
    const panel = models.find(model => model.canvas === viewer.root.activeElement) ?? models[0]
    if (panel) viewer.edit(panel)
  }

  // Arranges the controls: in a field of view, those of the classes are in the menu, and on a phone the image is above all.
  arrange(isField, isNarrow) {
    const layout = `${isField} ${isNarrow}`
    if (layout === this.layout) return
    this.layout = layout
    if (isField) this.coloursMenu.prepend(this.styles, this.opacity, this.classes)
    else {
      this.styleGroup.prepend(this.styles, this.opacity)
      this.classGroup.prepend(this.classes)
    }
    if (isField && isNarrow) this.viewer.grid.after(this.node)
    else this.viewer.node.prepend(this.node)
  }

  update() {
    const { viewer } = this, { state, props, settings } = viewer
    this.name.textContent = props.name
    this.previous.disabled = !props.previous_id
    this.next.disabled = !props.next_id
    for (const button of this.styles.children) {
      const isChecked = button.dataset.style === viewer.style
      button.setAttribute("aria-checked", isChecked)
      button.tabIndex = isChecked ? 0 : -1
    }
    this.opacity.value = Math.round(100 * state.opacity)
    this.opacity.disabled = viewer.style === "outline"
    if (!this.classes.children.length) this.createClassButtons()
    for (const button of this.classes.children) {
      const id = Number(button.dataset.class)
      setPressed(button, state.classes[id])
      button.hidden = id === 0 && viewer.field.isShown
      button.style.setProperty("--colour", settings.colours[id])
    }
    if (!this.palette.options.length) {
      for (const palette of props.palettes) this.palette.append(new Option(palette.title, palette.key))
      this.palette.append(new Option("Custom", "custom"))
    }
    this.palette.value = state.palette
    this.customColours.hidden = state.palette !== "custom"
    if (!this.customColours.children.length) this.createColourInputs()
    ;[...this.customColours.querySelectorAll("input")].forEach((input, id) => (input.value = state.customColours[id]))
    this.hatching.checked = state.hatching
    this.threshold.value = Math.round(100 * state.threshold)
    // Cells are drawn as outlines, which have no probabilities.
    this.threshold.parentElement.hidden = viewer.field.isShown
    this.classOutlines.parentElement.hidden = !viewer.field.isShown
    this.classOutlines.checked = state.classOutlines
    this.thresholdText.textContent = `${Math.round(100 * state.threshold)}%`
    setPressed(this.swipeButton, Boolean(state.swipe))
    setPressed(this.editButton, Boolean(viewer.editor))
    this.editButton.disabled = !props.panels.some(panel => panel.kind === "model")
  }

  createClassButtons() {
    for (const { id, title } of [...this.viewer.props.classes].reverse()) {
      const properties = { type: "button", "data-class": id, title: `Show or hide ${title.toLowerCase()} (${id + 1})` }
      const button = createElement("button", { ...properties, onclick: () => this.viewer.toggleClass(id) }, createElement("i", {}), title)
      this.classes.append(button)
    }
  }

  createColourInputs() {
    this.viewer.props.classes.forEach(({ id, title }) => {
      const input = createElement("input", { type: "color", "aria-label": `Colour of ${title.toLowerCase()}` })
      input.addEventListener("input", () => {
        const { customColours } = this.viewer.state
        this.viewer.setState({ customColours: customColours.map((hex, i) => (i === id ? input.value : hex)) })
      })
      this.customColours.append(createElement("label", {}, input, " ", title))
    })
  }
}
