import { userInfo } from 'node:os';
import { z } from 'zod';
import { composeAudit } from '../compose/audit.ts';
import { createLogger } from '../compose/logger.ts';
import { configuredNames } from '../compose/models.ts';
import { loadModel } from '../segmentation/model/model-folder.ts';
import { latestPromotions, namesInUse, promotedHash, recordPromotion } from '../store/records/promotions.ts';
import { defineCommand } from './definition/command.ts';
import { argument, option, requiredText } from './definition/field.ts';

const MOST_WORDS = 500;
const words = z
  .string()
  .trim()
  .min(1)
  .max(MOST_WORDS)
  .refine((text) => !text.includes('\0'), { error: 'holds a NUL' });

/** The next study is segmented with it, in every process on the database. */
export const modelsPromote = defineCommand({
  name: 'models promote',
  help: 'make a model the one in use for its kind of images, from the next study on',
  runs: 'in-node',
  options: z.strictObject({
    name: argument('<name>', "the model's name", requiredText),
    because: option('--because <text>', 'why, for the record; no names of patients', words.optional()),
    by: option('--by <who>', 'who does it; else the name of the user of this machine', words.default(whoAmI)),
  }),
  run: async ({ name, because, by }, { config, database, print, warn }) => {
    const { info, sha256 } = await loadModel(name, [config.models.folder]);
    const { modality, version } = info;
    const configured = configuredNames(config);
    const promotions = await latestPromotions(database);
    const former = namesInUse(configured, promotions)[modality];
    const promoted = promotedHash(promotions, modality);
    const isAnother = promoted !== undefined && promoted !== sha256;
    if (former === info.name && !isAnother && promotions.get(modality)?.overruledAt === undefined) {
      print(`${info.name} is in use for ${modality} already`);
      return;
    }
    const promotion = {
      class: modality,
      modelName: info.name,
      modelVersion: version,
      modelSha256: sha256,
      former: former ?? undefined,
      promotedBy: by,
      because,
      promotedAt: new Date(),
    };
    await recordPromotion(database, promotion);
    await using audit = composeAudit(config, {
      logger: createLogger(config),
      now: () => new Date(),
      archiveUrl: '',
    });
    audit.modelPromoted(promotion);
    warn({ class: modality, model: info.name, former }, 'a model was promoted');
    print(`${info.name}, version ${version}, is in use for ${modality} from the next study on`);
    if (configured[modality] !== null && configured[modality] !== info.name) {
      print(
        `the configuration names ${configured[modality]} at models.${modality}, which is used again when a ` +
          `node starts: name ${info.name} there`,
      );
    }
    if (former !== null && (former !== info.name || isAnother)) {
      print(`trends begin anew with it; to measure earlier studies with it, so that they join:`);
      print(`  pansegnet-node history remeasure --model ${info.name}`);
    }
  },
});

function whoAmI(): string {
  return userInfo().username;
}
