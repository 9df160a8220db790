import { test } from "node:test"
import assert from "node:assert/strict"
import { countTypes, formatTypeCounts } from "../src/cells/type_counts.js"

const TYPES = ["Neutrophil", "Eosinophil", "Unsure"].map(title => ({ title, short: title.slice(0, 2), colour: "#000000" }))

test("cells are counted by type, without types that none has", () => {
  const counts = countTypes([{ type: 2 }, { type: 0 }, { type: 0 }, { type: -1 }, {}], TYPES)
  assert.deepEqual(counts.map(([{ title }, count]) => [title, count]), [["Neutrophil", 2], ["Unsure", 1]])
  assert.equal(formatTypeCounts(counts), "Neutrophil 2, Unsure 1")
  assert.deepEqual(countTypes([{ type: -1 }], TYPES), [])
})
