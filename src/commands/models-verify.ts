import { z } from 'zod';
import { inferenceOptions } from '../compose/run.ts';
import { loadModel } from '../segmentation/model/model-folder.ts';
import { type VerifiedNetwork, verifyModel } from '../segmentation/verify-model.ts';
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
      progress.result(
        json
          ? JSON.stringify({ name, version, sha256: model.sha256, passed, maxRssMiB, networks })
          : `${title}, version ${version}: ${verdict}; ${maxRssMiB} MiB of memory at most`,
      );
      if (!passed) process.exitCode = 1;
    } finally {
      progress.stop();
    }
  },
});

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
