// Validates SARIF files with the schema that @microsoft/jest-sarif ships, by ajv.
//   NODE_PATH=build/npm/node_modules node tests/e2e/formats.js FILE...
const fs = require("fs");
const path = require("path");
const load = (module) => module.default || module;
const Ajv = load(require("ajv-draft-04"));
const formats = load(require("ajv-formats"));

const directory = path.join(path.dirname(require.resolve("@microsoft/jest-sarif/package.json")), "lib/schemas");
const schema = JSON.parse(fs.readFileSync(path.join(directory, "sarif-2.1.0-rtm.5.json"), "utf8"));
// The schema has a pattern that is none with the flag "u".
const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
formats(ajv);
const validate = ajv.compile(schema);

let failed = false;
for (const file of process.argv.slice(2)) {
    if (validate(JSON.parse(fs.readFileSync(file, "utf8")))) continue;
    failed = true;
    for (const error of validate.errors) console.error(`${file}: ${error.instancePath} ${error.message}`);
}
process.exit(failed ? 1 : 0);
