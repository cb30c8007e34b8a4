// Starts the page: the chat on the left, the pipeline on the right.
import { Chat } from "/page/chat.js";
import { PipelineView } from "/page/pipeline.js";

const pipeline = new PipelineView();
const chat = new Chat((at) => pipeline.follow(at));
pipeline.start((context) => (chat.context = context));
