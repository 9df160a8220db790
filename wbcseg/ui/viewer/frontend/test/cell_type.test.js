import assert from "node:assert/strict"
import test from "node:test"
import { findTypeOfKey } from "../src/cells/cell_type.js"

test("the keys 1 to 9 stand for types", () => {
  assert.equal(findTypeOfKey({ key: "1" }, 9), 0)
  assert.equal(findTypeOfKey({ key: "9" }, 9), 8)
  assert.equal(findTypeOfKey({ key: "9" }, 8), null)
  for (const key of ["0", "a", "12", "Enter"]) assert.equal(findTypeOfKey({ key }, 9), null)
})

test("a key with a modifier is the browser's own", () => {
  for (const modifier of ["ctrlKey", "metaKey", "altKey"]) assert.equal(findTypeOfKey({ key: "1", [modifier]: true }, 9), null)
})
