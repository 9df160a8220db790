import { createElement, setPressed } from "./dom.js"

// How the overlay looks: its style and opacity, the classes, the colours, the confidence threshold.

const STYLE_TITLES = { fill: "Fill", outline: "Outline", both: "Fill and outline" }
const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }

export class DisplayMenu {
  constructor(viewer) {
    this.viewer = viewer
    this.styles = createElement("div", { class: "segments", role: "radiogroup", "aria-label": "Overlay style" })
    for (const [style, title] of Object.entries(STYLE_TITLES)) {
      const properties = { type: "button", role: "radio", "data-style": style, title: `${title} (O for the next style)` }
      this.styles.append(createElement("button", { ...properties, onclick: () => viewer.setState({ style }) }, title))
    }
    this.styles.addEventListener("keydown", event => this.chooseStyle(event))
    this.opacity = this.createSlider("Opacity", "opacity", "Opacity ([ and ])")
    this.classes = createElement("div", { class: "classes", role: "group", "aria-label": "Classes" })
    this.palette = createElement("select", { "aria-label": "Palette" })
    this.palette.addEventListener("change", () => viewer.setState({ palette: this.palette.value }))
    this.customColours = createElement("div", { class: "custom-colours", role: "group", "aria-label": "Custom colours" })
    this.hatching = this.createCheckbox("hatching", "hatching")
    this.classOutlines = this.createCheckbox("class-outlines", "classOutlines")
    this.threshold = this.createSlider("Confidence threshold", "threshold", "Shows a model's pixels only from this probability on")
    this.thresholdText = createElement("output", {})
    this.background = createElement("div", { class: "classes" })
    this.classSlot = createElement("div", { class: "classes" }, this.classes, this.background)
    this.node = createElement(
      "div",
      { class: "menu", role: "group", "aria-label": "Display", hidden: true },
      this.styles, createElement("label", { class: "row" }, "Opacity ", this.opacity), this.classSlot,
      createElement("label", {}, "Palette ", this.palette), this.customColours,
      createElement("label", { for: "hatching" }, this.hatching, " Hatching (G): distinguishes classes without colour"),
      createElement("label", { for: "class-outlines" }, this.classOutlines, " Outlines in class colours instead of status colours"),
      createElement("label", {}, "Confidence threshold: ", this.thresholdText, this.threshold),
    )
  }

  createSlider(label, setting, tooltip) {
    const input = createElement("input", { type: "range", min: 0, max: 100, step: 5, "aria-label": label, title: tooltip })
    input.addEventListener("input", () => this.viewer.setState({ [setting]: input.value / 100 }))
    return input
  }

  createCheckbox(id, setting) {
    const input = createElement("input", { type: "checkbox", id })
    input.addEventListener("change", () => this.viewer.setState({ [setting]: input.checked }))
    return input
  }

  // Arrow keys choose a style, as in every group of radio buttons.
  chooseStyle(event) {
    const buttons = [...this.styles.children], step = STEPS[event.key]
    if (!step) return
    const next = buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length]
    event.preventDefault()
    event.stopPropagation()
    this.viewer.setState({ style: next.dataset.style })
    next.focus()
  }

  update() {
    const { viewer } = this, { state, props, settings } = viewer
    for (const button of this.styles.children) {
      const isChecked = button.dataset.style === viewer.style
      button.setAttribute("aria-checked", isChecked)
      button.tabIndex = isChecked ? 0 : -1
    }
    this.opacity.value = Math.round(100 * state.opacity)
    this.opacity.disabled = viewer.style === "outline"
    if (!this.classes.children.length) this.createClassButtons()
    for (const button of [...this.classes.children, ...this.background.children]) {
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
  }

  createClassButtons() {
    for (const { id, title } of [...this.viewer.props.classes].reverse()) {
      const properties = { type: "button", "data-class": id, title: `Show or hide ${title.toLowerCase()} (${id + 1})` }
      const button = createElement("button", { ...properties, onclick: () => this.viewer.toggleClass(id) }, createElement("i", {}), title)
      ;(id === 0 ? this.background : this.classes).append(button)
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
