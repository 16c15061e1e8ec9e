// Writes the statuses of node:test's own events, beside the reporter that writes the log.
import { writeFileSync } from 'node:fs';

const isSet = (value) => value !== undefined && value !== false;

function status(failed, { skip, todo, expectFailure }) {
  if (isSet(skip)) return 'SKIPPED';
  if (isSet(todo)) return failed ? 'XFAIL' : 'XPASS';
  if (failed) return 'FAILED';
  return isSet(expectFailure) ? 'XFAIL' : 'PASSED';
}

export default async function* (source) {
  const tests = {};
  const titles = [];
  for await (const { type, data } of source) {
    if (type === 'test:start') titles.splice(data.nesting, Infinity, data.name);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    tests[[...titles.slice(0, data.nesting), data.name].join(' > ')] = status(type === 'test:fail', data);
  }
  writeFileSync(process.env.TRUTH, JSON.stringify({ parser: process.env.PARSER, tests, unnamed: [] }, null, 1));
  yield '';
}
