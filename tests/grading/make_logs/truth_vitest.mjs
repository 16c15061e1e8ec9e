// Writes the statuses of Vitest's own objects, beside whatever reporter writes the log.
import { writeFileSync } from 'node:fs';

const STATUS = { passed: 'PASSED', failed: 'FAILED', skipped: 'SKIPPED' };
const WORST = ['PASSED', 'SKIPPED', 'FAILED'];

export default class {
  tests = {};
  onTestCaseResult(test) {
    const titles = [test.name];
    for (let suite = test.parent; suite.type === 'suite'; suite = suite.parent) {
      if (suite.name) titles.unshift(suite.name);
    }
    const name = [test.module.relativeModuleId, ...titles].join(' > ');
    const status = STATUS[test.result().state] ?? 'MISSING';
    const before = this.tests[name];
    if (before === undefined || WORST.indexOf(status) > WORST.indexOf(before)) this.tests[name] = status;
    writeFileSync(process.env.TRUTH, JSON.stringify({ parser: process.env.PARSER ?? 'javascript/parse_log_vitest', tests: this.tests, unnamed: [] }, null, 1));
  }
  onTestRunEnd(modules) {
    for (const module of modules) for (const test of module.children.allTests()) this.onTestCaseResult(test);
  }
}
