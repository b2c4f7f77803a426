namespace Vitrine;

/// <summary>
/// What takes the place of an operator's own gradient: given the node, the gradient with respect to its output and the number of one input, the value to
/// pass back to that input. <paramref name="reference"/> is the node of the reference graph that corresponds to <paramref name="node"/>, when there is one.
/// </summary>
public delegate Tensor? BackwardRule(Node node, Tensor grad, int input, Node? reference);

/// <summary>Chooses the rule of a node; null leaves the operator's own gradient.</summary>
public delegate BackwardRule? RuleSet(Node node);
