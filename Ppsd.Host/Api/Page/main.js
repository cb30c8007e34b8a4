// Starts the page: the chat on the left, the pipeline on the right.
import { Chat } from "/page/chat.js";
import { PipelineView } from "/page/pipeline.js";

new Chat();
new PipelineView().start();
