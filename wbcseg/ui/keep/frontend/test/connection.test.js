import { beforeEach, test } from "node:test"
import assert from "node:assert/strict"
import { Connection } from "../src/connection.js"

let isDown, answer, events, connection

beforeEach(() => {
  isDown = false
  answer = async () => true
  events = []
  connection = new Connection({
    isDown: () => isDown, isKnown: () => answer(), onLost: () => events.push("lost"), onBack: isKnown => events.push(isKnown),
  })
})

test("nothing happens while there is a connection", async () => {
  await connection.check()
  assert.deepEqual(events, [])
})

test("a lost connection is said once, and that it is back", async () => {
  isDown = true
  for (let i = 0; i < 4; i++) await connection.check()
  assert.deepEqual(events, ["lost"])
  isDown = false
  await connection.check()
  await connection.check()
  assert.deepEqual(events, ["lost", true])
})

test("a server that has forgotten the visit is noticed after the shortest loss", async () => {
  isDown = true
  await connection.check()
  isDown = false
  answer = async () => false
  await connection.check()
  assert.deepEqual(events, [false])
})

test("the shortest loss of a visit that goes on is not worth a word", async () => {
  isDown = true
  await connection.check()
  isDown = false
  await connection.check()
  assert.deepEqual(events, [])
})

test("a server that does not answer is asked again", async () => {
  isDown = true
  await connection.check()
  await connection.check()
  isDown = false
  answer = async () => {
    throw new Error("offline")
  }
  await connection.check()
  assert.deepEqual(events, ["lost"])
  answer = async () => true
  await connection.check()
  assert.deepEqual(events, ["lost", true])
})
