import { el, pressed } from "./dom.js"

// The controls. Each has a name for screen readers, a visible focus, and, where there is one, its key in the hint.

const STYLE_TITLES = { fill: "Areas", contour: "Outlines", both: "Both" }

export class Toolbar {
  constructor(viewer) {
    this.viewer = viewer
    const tool = (text, hint, act, more = {}) => el("button", { type: "button", title: hint, onclick: act, ...more }, text)
    this.previous = tool("‹", "Previous picture (←)", () => viewer.goTo(viewer.data.previous), { "aria-label": "Previous picture" })
    this.next = tool("›", "Next picture (→)", () => viewer.goTo(viewer.data.next), { "aria-label": "Next picture" })
    this.name = el("strong", { class: "picture-name" })
    this.panelsButton = tool("Panels", "Choose and order the panels (P)", () => this.open(this.panelMenu), { "aria-expanded": "false" })
    this.panelMenu = el("div", { class: "menu", role: "group", "aria-label": "Panels", hidden: true })
    this.viewButton = tool("Colours", "Palette, hatching, cut-off (V)", () => this.open(this.viewMenu), { "aria-expanded": "false" })
    this.viewMenu = this.colourMenu()
    this.swipeButton = tool("Swipe", "Two panels, one over the other, with a divider (X)", () => viewer.swipe.toggle(), { "aria-pressed": "false" })
    this.editButton = tool("Correct", "Correct a model's mask (E)", () => this.toggleEdit(), { "aria-pressed": "false" })
    this.saveButton = tool("Save", "This view, or a figure of all panels (S)", () => this.open(this.saveMenu), { "aria-expanded": "false" })
    this.saveMenu = this.savingMenu()
    this.helpButton = tool("?", "Keys (?)", () => viewer.help.toggle(), { "aria-label": "Keys and gestures", "aria-expanded": "false" })
    this.hideButton = el("button", { type: "button", title: "Hide the colours while held (H)", "aria-pressed": "false" }, "Hide")
    this.holdToHide()
    this.styles = el("div", { class: "segments", role: "radiogroup", "aria-label": "Show classes as" })
    for (const [style, title] of Object.entries(STYLE_TITLES)) {
      const button = el("button", { type: "button", role: "radio", "data-style": style, title: `${title} (O goes through them)` }, title)
      button.addEventListener("click", () => viewer.set({ style }))
      this.styles.append(button)
    }
    this.opacity = this.slider("Strength of the areas", "opacity", "([ and ])")
    this.classes = el("div", { class: "classes", role: "group", "aria-label": "Classes" })
    this.menus = [
      [this.panelMenu, this.panelsButton],
      [this.viewMenu, this.viewButton],
      [this.saveMenu, this.saveButton],
    ]
    this.node = el(
      "div",
      { class: "bar", role: "toolbar", "aria-label": "Viewer controls" },
      el("div", { class: "group" }, this.previous, this.name, this.next),
      el("div", { class: "group" }, this.held(this.panelsButton, this.panelMenu), this.swipeButton),
      el("div", { class: "group" }, this.styles, this.opacity, this.hideButton),
      el("div", { class: "group" }, this.classes, this.held(this.viewButton, this.viewMenu)),
      el("div", { class: "group" }, this.editButton, this.held(this.saveButton, this.saveMenu), this.helpButton),
    )
    this.node.addEventListener("keydown", event => event.key === "Escape" && this.closeMenus(true))
    viewer.root.addEventListener("pointerdown", event => {
      if (!event.composedPath().some(node => node.classList?.contains("held"))) this.closeMenus()
    })
  }

  held(button, menu) {
    return el("div", { class: "held" }, button, menu)
  }

  slider(label, setting, keys) {
    const input = el("input", { type: "range", min: 0, max: 100, step: 5, "aria-label": label, title: `${label} ${keys}` })
    input.addEventListener("input", () => this.viewer.set({ [setting]: input.value / 100 }))
    return input
  }

  holdToHide() {
    const hide = on => this.viewer.hide(on), button = this.hideButton
    button.addEventListener("pointerdown", event => {
      button.setPointerCapture(event.pointerId)
      hide(true)
    })
    for (const type of ["pointerup", "pointercancel", "blur"]) button.addEventListener(type, () => hide(false))
    button.addEventListener("keydown", event => [" ", "Enter"].includes(event.key) && (event.preventDefault(), hide(true)))
    button.addEventListener("keyup", () => hide(false))
    button.addEventListener("contextmenu", event => event.preventDefault())
  }

  colourMenu() {
    const { viewer } = this
    this.palette = el("select", { "aria-label": "Palette" })
    this.palette.addEventListener("change", () => viewer.set({ palette: this.palette.value }))
    this.own = el("div", { class: "own", role: "group", "aria-label": "Your own colours" })
    this.hatch = el("input", { type: "checkbox", id: "hatch" })
    this.hatch.addEventListener("change", () => viewer.set({ hatch: this.hatch.checked }))
    this.cutoff = this.slider("Show only pixels at least so sure", "cutoff", "")
    this.cutoffText = el("output", {})
    return el(
      "div",
      { class: "menu", role: "group", "aria-label": "Colours", hidden: true },
      el("label", {}, "Palette ", this.palette), this.own,
      el("label", { for: "hatch" }, this.hatch, " Hatching (G), so that colour is not the only sign"),
      el("label", {}, "Only where the model is sure: at least ", this.cutoffText, this.cutoff),
    )
  }

  savingMenu() {
    const item = (text, kind) => el("button", { type: "button", onclick: () => (this.closeMenus(true), this.viewer.save(kind)) }, text)
    this.masks = () =>
      this.viewer.data.panels
        .filter(panel => panel.kind === "model")
        .map(panel => item(`Mask of ${panel.title} (PNG, grey codes)`, `mask ${panel.part}`))
    this.files = [item("This view (PNG)", "view"), item("Figure of all panels (PNG)", "png"), item("Figure of all panels (SVG)", "svg")]
    return el("div", { class: "menu", role: "group", "aria-label": "Save", hidden: true })
  }

  open(menu) {
    const was = menu.hidden
    this.closeMenus()
    if (!was) return
    if (menu === this.panelMenu) this.listPanels()
    if (menu === this.saveMenu) menu.replaceChildren(...this.files, ...this.masks())
    menu.hidden = false
    this.menus.find(([one]) => one === menu)[1].setAttribute("aria-expanded", "true")
    this.keepInSight(menu)
    menu.querySelector("button, input, select")?.focus()
  }

  // Moves an open menu to the left by what would lie beyond the screen.
  keepInSight(menu) {
    menu.style.left = "0"
    const { left, right } = menu.getBoundingClientRect(), beyond = right + 12 - document.documentElement.clientWidth
    if (beyond > 0) menu.style.left = `${-Math.min(beyond, left - 4)}px`
  }

  closeMenus(back = false) {
    for (const [menu, button] of this.menus) {
      if (!menu.hidden && back) button.focus()
      menu.hidden = true
      button.setAttribute("aria-expanded", "false")
    }
  }

  // Every panel with a box to choose it and buttons to move it.
  listPanels() {
    const { viewer } = this, chosen = viewer.chosen
    const all = [...chosen, ...viewer.known.filter(key => !chosen.includes(key))]
    const change = (next, focus) => {
      viewer.set({ chosen: next })
      this.listPanels()
      this.panelMenu.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus()
    }
    const rows = all.map(key => {
      const { title } = viewer.data.panels.find(panel => panel.key === key), place = chosen.indexOf(key), id = `panel-${key}`
      const box = el("input", { type: "checkbox", id, "data-focus": id })
      box.checked = place >= 0
      box.disabled = place >= 0 && chosen.length === 1
      box.addEventListener("change", () => change(box.checked ? [...chosen, key] : chosen.filter(one => one !== key), id))
      const move = (by, text, label) => {
        const to = place + by, off = place < 0 || to < 0 || to >= chosen.length
        const button = el("button", { type: "button", "aria-label": `${label}: ${title}`, "data-focus": `${label} ${key}`, disabled: off }, text)
        button.addEventListener("click", () => {
          const next = chosen.filter(one => one !== key)
          next.splice(to, 0, key)
          change(next, `${label} ${key}`)
        })
        return button
      }
      return el("li", {}, el("label", { for: id }, box, " ", title), move(-1, "↑", "Earlier"), move(1, "↓", "Later"))
    })
    this.panelMenu.replaceChildren(el("ul", {}, ...rows))
  }

  toggleEdit() {
    const { viewer } = this
    if (viewer.editor) return viewer.edit(null)
    const focused = viewer.order.find(panel => panel.canvas === viewer.root.activeElement && panel.data.kind === "model")
    const panel = focused ?? viewer.order.find(one => one.data.kind === "model")
    if (panel) viewer.edit(panel)
  }

  update() {
    const { viewer } = this, { kept, data, settings } = viewer
    this.name.textContent = data.name
    this.previous.disabled = !data.previous
    this.next.disabled = !data.next
    for (const button of this.styles.children) {
      const on = button.dataset.style === kept.style
      button.setAttribute("aria-checked", on)
      button.tabIndex = on ? 0 : -1
    }
    this.opacity.value = Math.round(100 * kept.opacity)
    this.opacity.disabled = kept.style === "contour"
    if (!this.classes.children.length) this.makeClasses()
    for (const button of this.classes.children) {
      const id = Number(button.dataset.class)
      pressed(button, kept.classes[id])
      button.style.setProperty("--colour", settings.colours[id])
    }
    if (!this.palette.options.length) {
      for (const one of data.palettes) this.palette.append(new Option(one.title, one.key))
      this.palette.append(new Option("Your own", "own"))
    }
    this.palette.value = kept.palette
    this.own.hidden = kept.palette !== "own"
    if (!this.own.children.length) this.makeOwn()
    ;[...this.own.querySelectorAll("input")].forEach((input, id) => (input.value = kept.own[id]))
    this.hatch.checked = kept.hatch
    this.cutoff.value = Math.round(100 * kept.cutoff)
    this.cutoffText.textContent = `${Math.round(100 * kept.cutoff)} %`
    pressed(this.swipeButton, Boolean(kept.swipe))
    pressed(this.editButton, Boolean(viewer.editor))
    this.editButton.disabled = !data.panels.some(panel => panel.kind === "model")
  }

  makeClasses() {
    for (const { id, title } of [...this.viewer.data.classes].reverse()) {
      const button = el("button", { type: "button", "data-class": id, title: `${title} on or off (${id + 1})` }, el("i", {}), title)
      button.addEventListener("click", () => this.viewer.set({ classes: this.viewer.kept.classes.map((on, i) => (i === id ? !on : on)) }))
      this.classes.append(button)
    }
  }

  makeOwn() {
    this.viewer.data.classes.forEach(({ id, title }) => {
      const input = el("input", { type: "color", "aria-label": `Colour of ${title.toLowerCase()}` })
      input.addEventListener("input", () => this.viewer.set({ own: this.viewer.kept.own.map((hex, i) => (i === id ? input.value : hex)) }))
      this.own.append(el("label", {}, input, " ", title))
    })
  }
}
