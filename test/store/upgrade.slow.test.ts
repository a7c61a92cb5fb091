import { describeDatabases } from '../support/database-sites.ts';
import { upgradeBehaviour } from '../support/upgrade-behaviour.ts';

describeDatabases('an upgrade', upgradeBehaviour);
