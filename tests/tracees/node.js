// V8: code that is compiled while it runs, and a collector that moves what it finds on stacks.
//
// probes: uprobe:uv_os_getpriority uretprobe:uv_os_getpriority
// requirements: 29
'use strict'
const os = require('os')
const readline = require('readline')

let calls = 0
let problem = ''
let garbage = []

function workOn(times) {
  const expected = os.getPriority()
  for (let i = 0; i < times; i++) {
    if (os.getPriority() !== expected) problem = 'the priority has changed'
    garbage = [garbage.length, { i }, 'x'.repeat(i % 100)]
  }
  calls += times + 1
}

const waiting = []

function next() {
  if (!waiting.length) return
  const [what, times] = waiting.shift().split(' ')
  calls = 0
  problem = ''
  again(what === 'turn', Number(times))
}

function again(turns, times) {
  workOn(times)
  if (turns && !waiting.length) return setImmediate(again, turns, times)
  console.log(problem ? `wrong ${problem}` : `ok ${calls} ${calls}`)
  busy = false
  take()
}

let busy = false

function take() {
  if (busy || !waiting.length) return
  busy = true
  next()
}

readline.createInterface({ input: process.stdin }).on('line', line => {
  waiting.push(line)
  take()
}).on('close', () => process.exit(0))
