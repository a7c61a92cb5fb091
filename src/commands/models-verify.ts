import { hostname } from 'node:os';
import { z } from 'zod';
import { codeOf } from '../coded-error.ts';
import { dataPlaces, refuseForeignData } from '../compose/data-owner.ts';
import { databasePlace, openConfiguredDatabase } from '../compose/database.ts';
import { inferenceOptions, modeOf, modeOfNewSite } from '../compose/run.ts';
import type { Config } from '../config.ts';
import { judgeSpeed } from '../doctor/check-speed.ts';
import type { Mode } from '../inference-mode.ts';
import { expectedMinutes } from '../segmentation/expected-time.ts';
import { loadModel } from '../segmentation/model/model-folder.ts';
import { type VerifiedNetwork, verifyModel } from '../segmentation/verify-model.ts';
import { inspectDatabase } from '../store/database/inspect.ts';
import { writeSpeed } from '../store/records/speeds.ts';
import { defineCommand } from './definition/command.ts';
import { argument, jsonFlag, requiredText } from './definition/field.ts';
import { createProgressDisplay } from './terminal/progress.ts';

const MIB_PER_KIB = 1 / 1024;

/** Ends with 1 where a self-test fails. */
export const modelsVerify = defineCommand({
  name: 'models verify',
  help: 'check the hashes of a model by name or folder, run its self-test, tell speed and memory',
  runs: 'here',
  options: z.strictObject({
    name: argument('<name>', 'name or folder of the model', requiredText),
    json: jsonFlag,
  }),
  run: async ({ name: nameOrFolder, json }, { configure }) => {
    const config = configure();
    const progress = createProgressDisplay();
    try {
      progress.line(`Checking the files of ${nameOrFolder}`);
      const model = await loadModel(nameOrFolder, [config.models.folder]);
      const networks: VerifiedNetwork[] = [];
      const warn = (message: string) => progress.line(`warning: ${message}`);
      for await (const network of verifyModel(model, inferenceOptions(config, warn))) {
        networks.push(network);
        if (!json) progress.result(describeNetworkCheck(network));
      }
      const maxRssMiB = Math.round(process.resourceUsage().maxRSS * MIB_PER_KIB);
      const { name, version, title } = model.info;
      const passed = networks.every(({ selfTest }) => selfTest?.passed !== false);
      const verdict = passed ? 'can be used' : 'must not be used: import it again, or run it on the cpu';
      const secondsPerWindow =
        networks.reduce((sum, network) => sum + network.secondsPerWindow, 0) / networks.length;
      const mode = await keepSpeed(config, model.sha256, secondsPerWindow);
      const minutes = expectedMinutes(model.info, networks.length, mode, secondsPerWindow);
      const limitMinutes = config.queue.stageTimeoutMinutes.segment;
      const speed = judgeSpeed(name, { mode, limitMinutes, secondsPerWindow, minutes });
      if (!json) {
        progress.result(speed.what);
        if (speed.verdict !== 'ok') progress.result(`${speed.why} ${speed.todo}`);
      }
      const figures = { maxRssMiB, mode, expectedMinutes: minutes, limitMinutes };
      progress.result(
        json
          ? JSON.stringify({ name, version, sha256: model.sha256, passed, ...figures, networks })
          : `${title}, version ${version}: ${verdict}; ${maxRssMiB} MiB of memory at most`,
      );
      if (!passed) process.exitCode = 1;
    } finally {
      progress.stop();
    }
  },
});

const NOT_KEPT: ReadonlySet<string> = new Set(['DATABASE_IN_USE', 'DATABASE_UNUSABLE', 'DATA_OWNER']);

/**
 * Keeps what was measured for this machine, where there is a node's database that this process may write to.
 * @returns the mode that the node segments in
 */
async function keepSpeed(config: Config, modelSha256: string, secondsPerWindow: number): Promise<Mode> {
  try {
    refuseForeignData(dataPlaces(config));
    // One of another version is left as it is.
    if ((await inspectDatabase(databasePlace(config))).state !== 'current') return modeOfNewSite(config);
    await using open = new AsyncDisposableStack();
    const opened = await openConfiguredDatabase(config, { mayCreate: false });
    const database = open.adopt(opened, (it) => it.close());
    const speed = { secondsPerWindow, measuredAt: new Date().toISOString() };
    await writeSpeed(database, { machine: hostname(), modelSha256 }, speed);
    return await modeOf(config, database);
  } catch (error) {
    if (!NOT_KEPT.has(codeOf(error) ?? '')) throw error;
    return modeOfNewSite(config);
  }
}

function describeNetworkCheck({ selfTest, ...network }: VerifiedNetwork): string {
  const test = selfTest
    ? `self-test ${selfTest.passed ? 'passed' : 'FAILED'}, off by ` +
      `${percent(selfTest.largestDifference)} of the logits' spread` +
      ` (${percent(selfTest.tolerance)} allowed)`
    : 'no self-test stored';
  return (
    `${network.file}: hash right, on ${network.executionProvider}, loaded in ` +
    `${network.secondsToLoad.toFixed(1)} s, ` +
    `${network.secondsPerWindow.toFixed(2)} s per window, ${test}`
  );
}

const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`;
