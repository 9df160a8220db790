import { getAddress } from "../../../viewer/frontend/src/server.js"
import { KeptStore } from "./kept_store.js"
import { countCorrections, countUploads, Keeper } from "./keeper.js"
import { CHECK_MS, Connection, Notice } from "./connection.js"

// The switch "Keep my images in this browser", and what it says. Its state belongs to the browser, not to the visit.

const SWITCH = "wbcseg.keep", TAB = "wbcseg.tab"
const shared = (globalThis[Symbol.for("wbcseg.keep")] ??= { keeper: null, status: null, view: null })

const OFF =
  "Off: a reload discards your images. On: copies of your images, corrections and edited masks stay in this browser, on this computer, " +
  "until you clear them; whoever uses this browser can see them. The server has images in memory only, in either case."

class View {
  constructor(root) {
    this.root = root
    this.box = document.createElement("input")
    Object.assign(this.box, { type: "checkbox", id: "keep" })
    this.box.setAttribute("role", "switch")
    this.clearButton = createButton("Clear", () => clear())
    this.actionButton = createButton("", () => this.action?.())
    this.text = document.createElement("p")
    this.text.setAttribute("role", "status")
    const label = document.createElement("label")
    label.htmlFor = "keep"
    label.append(this.box, "Keep my images in this browser")
    const line = document.createElement("div")
    line.className = "line"
    line.append(label, this.clearButton, this.actionButton)
    this.node = document.createElement("section")
    this.node.setAttribute("aria-label", "What this browser keeps")
    this.node.append(line, this.text)
    root.append(this.node)
    this.box.addEventListener("change", () => setSwitch(this.box.checked))
  }

  show(status) {
    const isOn = Boolean(shared.keeper?.isOn)
    this.box.checked = isOn
    this.box.disabled = status.kind === "refused"
    this.clearButton.hidden = !isOn
    this.text.textContent = describe(status)
    this.node.dataset.kind = status.kind
    this.action = status.kind === "failed" ? () => shared.keeper.schedule() : status.other ? () => shared.keeper.adopt(status.other) : null
    this.actionButton.hidden = !this.action
    this.actionButton.textContent = status.kind === "failed" ? "Try again" : "Restore them"
  }
}

function createButton(text, onClick) {
  const button = document.createElement("button")
  Object.assign(button, { type: "button", textContent: text })
  button.addEventListener("click", onClick)
  return button
}

const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`
const listCounts = ({ files, corrections, masks }) =>
  [files && plural(files, "image"), corrections && plural(corrections, "corrected result"), masks && plural(masks, "edited mask")]
    .filter(Boolean).join(", ").replace(/, ([^,]*)$/, " and $1")
const list = names => names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "")

// Says in words what is kept and where.
export function describe(status) {
  if (status.kind === "refused") return "This browser does not let pages keep anything, as in a private window. A reload discards your images; download what you need."
  if (status.kind === "cleared") return "Cleared: this browser keeps nothing any more. The images of this visit are still open."
  if (status.kind === "off") {
    const lost = status.lostCount
      ? `The connection was lost, and the server has forgotten ${plural(status.lostCount, "image")}: please upload again. Masks that you edited in this tab and the view are kept. `
      : ""
    return lost + OFF
  }
  if (status.kind === "restoring") return `Restoring ${plural(status.count, "file")}: ${status.done} of ${status.count}…`
  if (status.kind === "failed") return `Your images could not be restored or kept just now (${status.message}). What this browser keeps is unchanged.`
  const sentences = []
  const kept = listCounts({ ...status, files: status.count }), restored = status.restored && listCounts(status.restored)
  if (restored) sentences.push(`Restored: ${restored}.`)
  if (status.missing.length) sentences.push(`Could not be restored: ${list(status.missing)}.`)
  if (kept) sentences.push(`Kept in this browser, on this computer: ${kept}, ${formatSize(status.bytes)}.`)
  else if (status.other) sentences.push(`Another tab has kept ${listCounts({ files: countUploads(status.other.files), corrections: countCorrections(status.other.state), masks: status.other.state.masks?.length })}, last changed ${new Date(status.other.time).toLocaleString()}.`)
  else sentences.push("On: what you upload and correct from now on is kept in this browser, on this computer.")
  if (status.notKept.length) sentences.push(`No room for ${list(status.notKept)}: a reload discards these.`)
  return sentences.join(" ")
}

function formatSize(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
}

function setSwitch(isOn) {
  localStorage.setItem(SWITCH, isOn ? "on" : "off")
  // Asks the browser not to drop it when the disk is nearly full.
  if (isOn) navigator.storage?.persist?.()
  shared.keeper.switch(isOn)
}

function clear() {
  localStorage.setItem(SWITCH, "off")
  shared.keeper.clear()
}

// The tab's id outlives a reload. A duplicated tab inherits it, and takes one of its own if the other is still open.
async function getTabId() {
  let id = sessionStorage.getItem(TAB)
  if (!id || (globalThis.navigator.locks && !(await holdLock(id)))) {
    id = crypto.getRandomValues(new Uint32Array(4)).join("-")
    sessionStorage.setItem(TAB, id)
    if (navigator.locks) await holdLock(id)
  }
  return id
}

// Holds a lock as long as the tab is open. Right after a reload, the page before may not have released it yet.
async function holdLock(id, tries = 30) {
  for (let i = 0; i < tries; i++) {
    const isHeld = await new Promise(resolve => {
      navigator.locks.request(`${TAB}.${id}`, { ifAvailable: true }, lock => {
        resolve(Boolean(lock))
        return lock ? new Promise(() => {}) : null
      })
    })
    if (isHeld) return true
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return false
}

async function createKeeper() {
  const store = await new KeptStore().open(), tabId = await getTabId()
  return new Keeper({
    store, tabId,
    isOn: localStorage.getItem(SWITCH) === "on",
    remote: {
      fetch: async key => {
        const response = await fetch(getAddress(`${shared.props.path}/${key}`))
        return response.ok ? response.blob() : null
      },
      send: async (key, blob) => (await fetch(getAddress(`${shared.props.path}/${key}`), { method: "PUT", body: blob })).ok,
    },
    onRestored: message => shared.setTriggerValue("restored", message),
    show,
  })
}

// Streamlit shows this while it connects.
const CONNECTING = "[data-testid=stConnectionStatus]"
const NOTICE_MS = 12000

function watchConnection() {
  const notice = new Notice()
  const connection = new Connection({
    isDown: () => Boolean(document.querySelector(CONNECTING)),
    isKnown: async () => (await fetch(getAddress(shared.props.path))).ok,
    onLost: () => notice.show(describeLoss(shared.status)),
    onBack: isKnown => {
      notice.show(isKnown ? "The connection is back. Nothing was lost." : describeReturn(shared.status, countUploads(shared.props.files)), NOTICE_MS)
      // Runs the page, which then takes what this browser has kept.
      if (!isKnown) shared.setTriggerValue("forgotten", `${Date.now()}`)
    },
  })
  return setInterval(() => connection.check(), CHECK_MS)
}

export function describeLoss(status) {
  const kept = status?.kind === "kept" && listCounts({ ...status, files: status.count })
  const text = "The connection is lost. What you see stays, and the page goes on by itself when the server answers."
  return kept ? `${text} Kept in this browser: ${kept}.` : text
}

export function describeReturn(status, uploadCount) {
  const kept = status?.kind === "kept" && listCounts({ ...status, files: status.count })
  if (kept) return `The connection is back. The server has forgotten this visit; this browser sends back ${kept}.`
  if (uploadCount) return "The connection is back. The server has forgotten this visit: please upload your images again."
  return "The connection is back."
}

function show(status) {
  shared.status = status
  shared.view?.show(status)
}

export default function ({ data: [props], parentElement, setTriggerValue }) {
  Object.assign(shared, { props, setTriggerValue })
  if (shared.view?.root !== parentElement) {
    shared.view?.node.remove()
    shared.view = new View(parentElement)
    if (shared.status) shared.view.show(shared.status)
  }
  shared.creating ??= createKeeper().then(keeper => (shared.keeper = keeper), () => show({ kind: "refused" }))
  shared.creating.then(() => shared.keeper?.update(shared.props))
  shared.watching ??= watchConnection()
  const { view } = shared
  return () => {
    if (view !== shared.view || view.node.isConnected) return
    shared.view = null
  }
}
