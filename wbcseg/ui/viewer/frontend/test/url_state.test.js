import { test } from "node:test"
import assert from "node:assert/strict"
import { formatState, parseState, readUrl, splitKeys, writeUrl } from "../src/url_state.js"
import { createState } from "../src/state.js"

const KEYS = ["image", "mask", "unet-16", "my_run", "my_run_2", "errors.unet-16", "uncertainty.my_run"]
const DEFAULTS = ["image", "mask", "unet-16"]
const PALETTES = ["thesis", "colorblind"]

function parse(text) {
  const state = createState()
  parseState(text, state, KEYS, PALETTES)
  return state
}

test("default choices leave the URL empty", () => {
  assert.equal(formatState(createState(), DEFAULTS), "")
  assert.equal(formatState({ ...createState(), panels: [...DEFAULTS] }, DEFAULTS), "")
})

test("a state is parsed as it was formatted, and needs no escaping", () => {
  const state = {
    view: { scale: 2.5, x: 60.1234, y: -3, isMoved: true }, panels: ["my_run_2", "uncertainty.my_run", "image"], style: "both", opacity: 0.65,
    classes: [true, false, true], numbers: false, classOutlines: true, palette: "custom", customColours: ["#000000", "#12ab34", "#ffffff"], hatching: true, threshold: 0.5,
    swipe: { left: "my_run", right: "errors.unet-16", position: 0.25 }, cell: { id: 12, key: "my_run_2" },
  }
  const text = formatState(state, DEFAULTS)
  assert.equal(new URLSearchParams({ view: text }).toString(), `view=${text.replaceAll("~", "%7E")}`)
  assert.deepEqual(parse(text), { ...createState(), ...state })
})

test("a named palette is kept", () => assert.equal(parse(formatState({ ...createState(), palette: "colorblind" }, DEFAULTS)).palette, "colorblind"))

test("invalid parts are ignored", () => {
  for (const text of ["z0_1_1", "z1_2", "zx_1_1", "s7", "o101", "o-1", "c12", "c01", "kneon", "kcustom_12345g_000000_000000", "t200", "wimage_50", "wimage_mask_101", "i0_image", "ix_image", "i3_unknown", "i3", "<b>", "~~"]) {
    assert.deepEqual(parse(text), createState(), text)
  }
})

test("unknown panels leave the default ones", () => {
  assert.equal(parse("pimage_unknown").panels, null)
  assert.equal(parse("p").panels, null)
})

test("keys with underscores are split at the longest match", () => {
  assert.deepEqual(splitKeys("my_run_2_my_run_mask", KEYS), ["my_run_2", "my_run", "mask"])
  assert.equal(splitKeys("my_run_3", KEYS), null)
  assert.equal(splitKeys("", KEYS), null)
})

test("the URL is read and written without losing other parameters", t => {
  const written = []
  globalThis.location = { href: "http://localhost/segment?image=003&view=o80" }
  globalThis.history = { state: 1, replaceState: (_state, _title, url) => written.push(url.href) }
  t.after(() => (delete globalThis.location, delete globalThis.history))
  const state = createState()
  readUrl(state, KEYS, PALETTES)
  assert.equal(state.opacity, 0.8)
  writeUrl(state, DEFAULTS)
  assert.deepEqual(written, [], "nothing has changed")
  writeUrl({ ...state, hatching: true }, DEFAULTS)
  writeUrl(createState(), DEFAULTS)
  assert.deepEqual(written.map(href => decodeURIComponent(href)), [
    "http://localhost/segment?image=003&view=o80~h1", "http://localhost/segment?image=003",
  ])
})
