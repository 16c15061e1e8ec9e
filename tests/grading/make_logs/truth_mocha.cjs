// Writes the statuses of Mocha's own events, beside the reporter that REPORTER names.
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const { reporters } = require(path.resolve('node_modules/mocha'));
const WORST = ['PASSED', 'SKIPPED', 'FAILED'];

module.exports = class {
  constructor(runner, options) {
    const tests = {};
    const put = (test, status) => {
      const name = test.titlePath().filter(Boolean).join(' > ');
      if (WORST.indexOf(status) > WORST.indexOf(tests[name] ?? 'PASSED') || !(name in tests)) tests[name] = status;
      writeFileSync(process.env.TRUTH, JSON.stringify({ parser: process.env.PARSER ?? 'javascript/parse_log_mocha', tests, unnamed: [] }, null, 1));
    };
    runner.on('pass', (test) => put(test, 'PASSED'));
    runner.on('fail', (test) => put(test, 'FAILED'));
    runner.on('pending', (test) => put(test, 'SKIPPED'));
    this.inner = new reporters[process.env.REPORTER](runner, options);
  }
  done(failures, end) { return this.inner.done ? this.inner.done(failures, end) : end(failures); }
};
