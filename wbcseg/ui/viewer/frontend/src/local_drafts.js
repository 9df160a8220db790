import { decodeRle, encodeRle } from "./paint.js"

// Edited masks, kept by the browser for this tab: a reload loses nothing, closing the tab discards them.

const PREFIX = "wbcseg.mask."

// Saves an edited mask. Returns whether the browser had room for it.
export function saveDraft(digest, part, map) {
  try {
    sessionStorage.setItem(`${PREFIX}${digest}.${part}`, encodeRle(map.ids))
    return true
  } catch {
    return false
  }
}

export function deleteDraft(digest, part) {
  sessionStorage.removeItem(`${PREFIX}${digest}.${part}`)
}

export function hasDraft(digest, part) {
  return sessionStorage.getItem(`${PREFIX}${digest}.${part}`) !== null
}

// Returns the edited mask of a part, based on the model's result; null where there is none.
export function loadDraft(digest, part, map) {
  const text = sessionStorage.getItem(`${PREFIX}${digest}.${part}`)
  const ids = text && decodeRle(text, map.ids.length)
  return ids ? copyMap(map, ids) : null
}

// Copies a map with other class ids; where they differ, they are certain.
export function copyMap(map, ids = map.ids) {
  const copy = { ...map, ids: Uint8Array.from(ids), cytoplasm: Uint8Array.from(map.cytoplasm), nucleus: Uint8Array.from(map.nucleus) }
  for (let i = 0; i < copy.ids.length; i++) {
    if (copy.ids[i] === map.ids[i]) continue
    copy.cytoplasm[i] = copy.ids[i] === 1 ? 255 : 0
    copy.nucleus[i] = copy.ids[i] === 2 ? 255 : 0
  }
  return copy
}
