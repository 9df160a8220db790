// Hands files to the page's uploader: dropped anywhere on the page, folders included, pasted, or from a chosen folder.
// Files of a folder keep their path in their name: images and masks are paired by it.

const AREA = "[class*='st-key-drop_area']", RETRY = 100, START = 400, PATIENCE = 15_000

// Files that wait until the page has taken those before them: an uploader that is replaced while it uploads loses its
// files. It lists them from soon after they were sent until they were taken.
const waiting = []
let sentAt = -Infinity, since = 0, timer = null

function sendWaiting() {
  clearTimeout(timer)
  if (!waiting.length) return
  const uploader = document.querySelector(`${AREA} [data-testid=stFileUploader]`), input = uploader?.querySelector("input[type=file]")
  const now = performance.now(), hasFiles = uploader?.querySelector("[data-testid=stFileChips]")
  const isBusy = now - sentAt < START || (hasFiles && now - since < PATIENCE)
  if (!input || isBusy) {
    timer = setTimeout(sendWaiting, RETRY)
    return
  }
  const transfer = new DataTransfer()
  waiting.splice(0).forEach(file => transfer.items.add(file))
  sentAt = since = now
  input.files = transfer.files
  input.dispatchEvent(new Event("change", { bubbles: true }))
}

export default function ({ parentElement, data: [options] }) {
  const button = parentElement.querySelector("button")
  const folderInput = parentElement.querySelector("input")
  button.textContent = options.label

  const send = files => {
    if (!files.length) return
    if (!waiting.length) since = performance.now()
    waiting.push(...files)
    sendWaiting()
  }
  const isWanted = path => options.suffixes.some(suffix => path.toLowerCase().endsWith(suffix))
  const rename = (file, path) => new File([file], path, { type: file.type, lastModified: file.lastModified })

  const readEntry = async entry => {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject))
      const path = entry.fullPath.replace(/^\//, "")
      if (!path.includes("/")) return [file]
      return isWanted(path) ? [rename(file, path)] : []
    }
    const reader = entry.createReader()
    const children = []
    for (;;) {
      // A reader gives some entries at a time.
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
      if (!some.length) break
      children.push(...some)
    }
    return (await Promise.all(children.map(readEntry))).flat()
  }

  const hasFiles = event => [...(event.dataTransfer?.types ?? [])].includes("Files")
  const highlight = isOver => document.querySelectorAll(AREA).forEach(area => area.toggleAttribute("data-over", isOver))
  const onDragOver = event => {
    if (!hasFiles(event)) return
    event.preventDefault()
    highlight(true)
  }
  const onDragLeave = event => {
    if (!event.relatedTarget) highlight(false)
  }
  const onDrop = async event => {
    if (!hasFiles(event)) return
    highlight(false)
    const items = [...event.dataTransfer.items]
    const entries = items.map(item => item.webkitGetAsEntry?.()).filter(Boolean)
    const isInUploader = event.composedPath().some(node => node.dataset?.testid === "stFileUploaderDropzone")
    if (isInUploader && !entries.some(entry => entry.isDirectory)) return
    event.preventDefault()
    event.stopImmediatePropagation()
    const files = [...event.dataTransfer.files]
    send(entries.length ? (await Promise.all(entries.map(readEntry))).flat() : files)
  }
  const onPaste = event => {
    const files = [...(event.clipboardData?.files ?? [])].filter(file => file.type.startsWith("image/"))
    if (!files.length) return
    event.preventDefault()
    send(files)
  }

  button.onclick = () => folderInput.click()
  folderInput.onchange = () => {
    send([...folderInput.files].filter(file => isWanted(file.name)).map(file => rename(file, file.webkitRelativePath)))
    folderInput.value = ""
  }
  const listeners = [["dragover", onDragOver], ["dragleave", onDragLeave], ["drop", onDrop], ["paste", onPaste]]
  listeners.forEach(([kind, listener]) => document.addEventListener(kind, listener, true))
  return () => listeners.forEach(([kind, listener]) => document.removeEventListener(kind, listener, true))
}
