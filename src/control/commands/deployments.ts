import { type CommandTable, onFunction } from "../command.ts";
import { collectFailedDeployments } from "../collect-failed-deployments.ts";
import { deploy } from "../deploy.ts";
import { deployKey } from "../deploy-queue.ts";
import { findDeployment } from "../find-deployment.ts";
import { findFunction, lookUpFunction } from "../find-function.ts";
import { parsePage } from "../parse-page.ts";
import { functionSubject } from "./functions.ts";

const readRights = ["deploy", "admin", "logs"] as const;

export const deploymentCommands: CommandTable<
  "deployments.create" | "deployments.list" | "deployments.get" | "deployments.collect"
> = {
  "deployments.create": {
    access: (input) => onFunction(input, ["deploy"]),
    subject: functionSubject,
    async run(context, input) {
      const project = await context.project(input.project);
      // Name and id of one function must queue together.
      const record = await context.store.read((reader) =>
        lookUpFunction(reader, project, input.function),
      );
      if (record === undefined && input.createFunction === true) {
        context.require({ project: input.project, scopes: ["functions:create"] });
      }
      const key = deployKey(project.name, record?.name ?? input.function);
      return context.deploys.run(key, async (signal) => {
        const putDone = context.collector.beginPut();
        try {
          return await deploy(context, input, signal);
        } finally {
          putDone();
        }
      });
    },
  },
  "deployments.list": {
    access: (input) => onFunction(input, readRights),
    async run(context, input) {
      const project = await context.project(input.project);
      const page = parsePage(input, (cursor) => /^[1-9][0-9]{0,8}$/.test(cursor));
      const hints = { plan: context.plans.plan, caller: context.caller };
      return context.store.read(async (reader) => {
        const record = await findFunction(reader, project, input.function, hints);
        return reader.listDeployments(record.id, page);
      });
    },
  },
  "deployments.get": {
    access: (input) => onFunction(input, readRights),
    async run(context, input) {
      const project = await context.project(input.project);
      const hints = { plan: context.plans.plan, caller: context.caller };
      return context.store.read(async (reader) => {
        const record = await findFunction(reader, project, input.function, hints);
        return findDeployment(reader, record, input.deployment);
      });
    },
  },
  "deployments.collect": {
    // Reaches into every project: only for callers of no single one.
    access: () => ({ project: "*", scopes: ["functions:*:admin"] }),
    subject: () => "*",
    run: (context) => collectFailedDeployments(context),
  },
};
