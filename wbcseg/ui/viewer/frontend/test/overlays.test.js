import { test } from "node:test"
import assert from "node:assert/strict"
import {
  FALSE_NEGATIVE, FALSE_POSITIVE, HIDDEN, WRONG_CLASS, classifyErrors, computeDice, computeHatchPeriod, countMajorityVotes, isHatched,
  selectVisible, toPixelWord,
} from "../src/overlays.js"
import { getProbability, splitChannels } from "../src/image_store.js"

const mask = (...ids) => ({ ids: Uint8Array.from(ids) })

test("colours become pixel words with alpha first and red last", () => {
  assert.equal(toPixelWord("#102030"), 0xff302010)
  assert.equal(toPixelWord("#ffffff", 0), 0x00ffffff)
})

test("channels are split into class ids and probabilities", () => {
  const map = splitChannels({ width: 2, height: 1, channels: 3, pixels: Uint8Array.of(2, 51, 204, 0, 0, 0) })
  assert.deepEqual(map, { width: 2, height: 1, ids: Uint8Array.of(2, 0), cytoplasm: Uint8Array.of(51, 0), nucleus: Uint8Array.of(204, 0) })
  assert.deepEqual([0, 1, 2].map(id => getProbability(map, id, 0)), [0, 0.2, 0.8])
  assert.equal(getProbability(map, 0, 1), 1)
})

test("a mask is certain", () => {
  assert.deepEqual([0, 1, 2].map(id => getProbability(mask(1), id, 0)), [0, 1, 0])
})

test("classes that are off or below the confidence threshold are hidden", () => {
  const map = { ids: Uint8Array.of(0, 1, 2, 2), cytoplasm: Uint8Array.of(0, 255, 0, 100), nucleus: Uint8Array.of(0, 0, 255, 153) }
  assert.deepEqual([...selectVisible(map, { classes: [false, true, true], threshold: 0 })], [HIDDEN, 1, 2, 2])
  assert.deepEqual([...selectVisible(map, { classes: [true, false, true], threshold: 0.6 })], [0, HIDDEN, 2, 2])
  assert.deepEqual([...selectVisible(map, { classes: [true, true, true], threshold: 0.61 })], [0, 1, 2, HIDDEN])
})

test("errors are false negatives, false positives and wrong classes", () => {
  const truth = mask(0, 1, 0, 2, 1), predicted = mask(0, 0, 1, 1, 1)
  assert.deepEqual([...classifyErrors(predicted, truth, [true, true, true])], [0, FALSE_NEGATIVE, FALSE_POSITIVE, WRONG_CLASS, 0])
})

test("errors count for the classes that are switched on", () => {
  const truth = mask(1, 0, 2, 0), predicted = mask(0, 2, 1, 1)
  assert.deepEqual([...classifyErrors(predicted, truth, [false, false, true])], [0, FALSE_POSITIVE, WRONG_CLASS, 0])
  assert.deepEqual([...classifyErrors(predicted, truth, [false, false, false])], [0, 0, 0, 0])
})

test("Dice is computed for each region and undefined where neither map has it", () => {
  const dice = computeDice(mask(2, 2, 1, 0, 0, 1), mask(2, 1, 1, 0, 1, 0))
  assert.equal(dice.nucleus, 2 / 3)
  assert.equal(dice.cytoplasm, 2 / 5)
  assert.equal(dice.cell, 6 / 8)
  assert.ok(Number.isNaN(computeDice(mask(0, 1), mask(1, 0)).nucleus))
  assert.equal(computeDice(mask(0, 1), mask(1, 0)).cytoplasm, 0)
})

test("votes count the most common class at every pixel", () => {
  assert.deepEqual([...countMajorityVotes([mask(0, 1, 2), mask(0, 1, 1), mask(0, 2, 0)])], [3, 2, 1])
})

test("each class has its own hatching", () => {
  const period = computeHatchPeriod(240, 120)
  assert.equal(period, 8)
  assert.equal(computeHatchPeriod(10, 10), 4)
  const count = id => {
    let n = 0
    for (let y = 0; y < period; y++) for (let x = 0; x < period; x++) n += isHatched(id, x, y, period)
    return n
  }
  // A quarter of the pixels; nucleus in two directions, minus the crossings.
  assert.deepEqual([count(0), count(1)], [16, 16])
  assert.ok(count(2) > 16 && count(2) < 32)
  assert.equal(isHatched(0, 5, 0, period), true)
  assert.equal(isHatched(1, 5, 0, period), false)
})
