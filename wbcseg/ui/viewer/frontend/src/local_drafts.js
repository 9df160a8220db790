import { fromRunLengths, runLengths } from "./paint.js"

// Corrected masks, kept by the browser for this tab: a reload loses nothing, closing the tab forgets them.

const PREFIX = "wbcseg.mask."

export function keepDraft(digest, part, map) {
  try {
    sessionStorage.setItem(`${PREFIX}${digest}.${part}`, runLengths(map.ids))
    return true
  } catch {
    return false
  }
}

export function dropDraft(digest, part) {
  sessionStorage.removeItem(`${PREFIX}${digest}.${part}`)
}

// The corrected maps of a picture by part, made from what the models said.
export function draftOf(digest, part, map) {
  const text = sessionStorage.getItem(`${PREFIX}${digest}.${part}`)
  const ids = text && fromRunLengths(text, map.ids.length)
  return ids ? corrected(map, ids) : null
}

// A copy of a map with other classes; where they differ, they are certain.
export function corrected(map, ids = map.ids) {
  const copy = { ...map, ids: Uint8Array.from(ids), cytoplasm: Uint8Array.from(map.cytoplasm), nucleus: Uint8Array.from(map.nucleus) }
  for (let i = 0; i < copy.ids.length; i++) {
    if (copy.ids[i] === map.ids[i]) continue
    copy.cytoplasm[i] = copy.ids[i] === 1 ? 255 : 0
    copy.nucleus[i] = copy.ids[i] === 2 ? 255 : 0
  }
  return copy
}
