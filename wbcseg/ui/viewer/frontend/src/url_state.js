// The view as a query parameter, so that a link shows exactly what one sees. Written without asking the server.

export const PARAMETER = "look"
const STYLES = ["fill", "contour", "both"]

// Only characters that a query keeps as they are: letters, digits, "_", "-", "." and "~" between the parts.
export function written(kept, standard) {
  const { view } = kept, parts = []
  const add = (name, value) => parts.push(name + value)
  if (view.scale !== 1 || view.moved) add("z", [view.scale, view.x, view.y].map(n => +n.toFixed(4)).join("_"))
  if (kept.chosen && kept.chosen.join() !== standard.join()) add("p", kept.chosen.join("_"))
  if (kept.style !== "fill") add("s", STYLES.indexOf(kept.style))
  if (kept.opacity !== 0.4) add("o", Math.round(100 * kept.opacity))
  if (kept.classes.join() !== "false,true,true") add("c", kept.classes.map(on => (on ? 1 : 0)).join(""))
  if (kept.palette !== "thesis") add("k", kept.palette === "own" ? "own_" + kept.own.map(c => c.slice(1)).join("_") : kept.palette)
  if (kept.hatch) add("h", 1)
  if (kept.cutoff) add("t", Math.round(100 * kept.cutoff))
  if (kept.swipe) add("w", [kept.swipe.left, kept.swipe.right, Math.round(100 * kept.swipe.at)].join("_"))
  return parts.join("~")
}

export function read(text, kept, keys, palettes) {
  for (const part of text.split("~")) {
    const name = part[0], value = part.slice(1), numbers = value.split("_").map(Number)
    if (name === "z" && numbers.length === 3 && numbers.every(Number.isFinite) && numbers[0] > 0) {
      const [scale, x, y] = numbers
      Object.assign(kept.view, { scale, x, y, moved: true })
    }
    if (name === "p") kept.chosen = splitKeys(value, keys)
    if (name === "s" && STYLES[numbers[0]]) kept.style = STYLES[numbers[0]]
    if (name === "o" && numbers[0] >= 0 && numbers[0] <= 100) kept.opacity = numbers[0] / 100
    if (name === "c" && /^[01]{3}$/.test(value)) kept.classes = [...value].map(digit => digit === "1")
    if (name === "k" && palettes.includes(value)) kept.palette = value
    if (name === "k" && /^own(_[0-9a-f]{6}){3}$/.test(value)) {
      kept.palette = "own"
      kept.own = value.split("_").slice(1).map(hex => "#" + hex)
    }
    if (name === "h") kept.hatch = value === "1"
    if (name === "t" && numbers[0] >= 0 && numbers[0] <= 100) kept.cutoff = numbers[0] / 100
    if (name === "w") {
      const at = value.lastIndexOf("_"), sides = splitKeys(value.slice(0, at), keys), share = Number(value.slice(at + 1)) / 100
      if (sides?.length === 2 && share >= 0 && share <= 1) kept.swipe = { left: sides[0], right: sides[1], at: share }
    }
  }
}

// Keys may hold "_" themselves, so they are taken off the front one by one; null where something else stands there.
export function splitKeys(text, keys) {
  const found = [], longest = [...keys].sort((a, b) => b.length - a.length)
  let rest = text
  while (rest) {
    const key = longest.find(one => rest === one || rest.startsWith(one + "_"))
    if (!key) return null
    found.push(key)
    rest = rest.slice(key.length + 1)
  }
  return found.length ? found : null
}

export function readAddress(kept, keys, palettes) {
  const text = new URL(location.href).searchParams.get(PARAMETER)
  if (text) read(text, kept, keys, palettes)
}

export function writeAddress(kept, standard) {
  const url = new URL(location.href), text = written(kept, standard)
  if ((url.searchParams.get(PARAMETER) ?? "") === text) return
  if (text) url.searchParams.set(PARAMETER, text)
  else url.searchParams.delete(PARAMETER)
  history.replaceState(history.state, "", url)
}
