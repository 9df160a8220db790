// The view as a query parameter, so that a link shows exactly what the user sees. Written without asking the server.

export const PARAMETER = "view"
const STYLES = ["fill", "outline", "both"]

// Formats the state. Uses only characters that a query does not escape: letters, digits, "_", "-", "." and, between the
// parts, "~".
export function formatState(state, defaultPanels) {
  const { view } = state, parts = []
  const add = (letter, value) => parts.push(letter + value)
  if (view.scale !== 1 || view.isMoved) add("z", [view.scale, view.x, view.y].map(n => +n.toFixed(4)).join("_"))
  if (state.panels && state.panels.join() !== defaultPanels.join()) add("p", state.panels.join("_"))
  if (state.style) add("s", STYLES.indexOf(state.style))
  if (state.opacity !== 0.4) add("o", Math.round(100 * state.opacity))
  if (state.classes.join() !== "false,true,true") add("c", state.classes.map(isOn => (isOn ? 1 : 0)).join(""))
  if (state.palette === "custom") add("k", "custom_" + state.customColours.map(hex => hex.slice(1)).join("_"))
  else if (state.palette !== "thesis") add("k", state.palette)
  if (state.hatching) add("h", 1)
  if (!state.numbers) add("n", 0)
  if (state.classOutlines) add("l", 1)
  if (state.threshold) add("t", Math.round(100 * state.threshold))
  if (state.swipe) add("w", [state.swipe.left, state.swipe.right, Math.round(100 * state.swipe.position)].join("_"))
  if (state.cell) add("i", `${state.cell.id}_${state.cell.key}`)
  return parts.join("~")
}

// Reads what formatState wrote into a state. Parts that are not valid are ignored.
export function parseState(text, state, panelKeys, palettes) {
  for (const part of text.split("~")) {
    const letter = part[0], value = part.slice(1), numbers = value.split("_").map(Number)
    if (letter === "z" && numbers.length === 3 && numbers.every(Number.isFinite) && numbers[0] > 0) {
      const [scale, x, y] = numbers
      Object.assign(state.view, { scale, x, y, isMoved: true })
    }
    if (letter === "p") state.panels = splitKeys(value, panelKeys)
    if (letter === "s" && STYLES[numbers[0]]) state.style = STYLES[numbers[0]]
    if (letter === "o" && isPercentage(numbers[0])) state.opacity = numbers[0] / 100
    if (letter === "c" && /^[01]{3}$/.test(value)) state.classes = [...value].map(digit => digit === "1")
    if (letter === "k" && palettes.includes(value)) state.palette = value
    if (letter === "k" && /^custom(_[0-9a-f]{6}){3}$/.test(value)) {
      state.palette = "custom"
      state.customColours = value.split("_").slice(1).map(hex => "#" + hex)
    }
    if (letter === "n") state.numbers = value !== "0"
    if (letter === "l") state.classOutlines = value === "1"
    if (letter === "h") state.hatching = value === "1"
    if (letter === "t" && isPercentage(numbers[0])) state.threshold = numbers[0] / 100
    if (letter === "i") {
      const [id] = numbers, key = value.slice(value.indexOf("_") + 1)
      if (Number.isSafeInteger(id) && id > 0 && panelKeys.includes(key)) state.cell = { id, key }
    }
    if (letter === "w") {
      const end = value.lastIndexOf("_"), sides = splitKeys(value.slice(0, end), panelKeys), percent = Number(value.slice(end + 1))
      if (sides?.length === 2 && isPercentage(percent)) {
        state.swipe = { left: sides[0], right: sides[1], position: percent / 100 }
      }
    }
  }
}

function isPercentage(number) {
  return number >= 0 && number <= 100
}

// Splits joined keys. Keys may contain "_" themselves, so they are matched one by one from the start; null where something
// else remains.
export function splitKeys(text, keys) {
  const found = [], longestFirst = [...keys].sort((a, b) => b.length - a.length)
  let rest = text
  while (rest) {
    const key = longestFirst.find(candidate => rest === candidate || rest.startsWith(candidate + "_"))
    if (!key) return null
    found.push(key)
    rest = rest.slice(key.length + 1)
  }
  return found.length ? found : null
}

export function readUrl(state, panelKeys, palettes) {
  const text = new URL(location.href).searchParams.get(PARAMETER)
  if (text) parseState(text, state, panelKeys, palettes)
}

export function writeUrl(state, defaultPanels) {
  const url = new URL(location.href), text = formatState(state, defaultPanels)
  if ((url.searchParams.get(PARAMETER) ?? "") === text) return
  if (text) url.searchParams.set(PARAMETER, text)
  else url.searchParams.delete(PARAMETER)
  history.replaceState(history.state, "", url)
}
