//! The topics and subscriptions of a cluster, by their full names.

/// The names of everything that a cluster has at the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PubSubNames {
    project: String,
    cluster: String,
}

impl PubSubNames {
    /// Returns the names of a cluster in a project.
    pub fn new(project: &str, cluster: &str) -> Self {
        Self {
            project: project.to_owned(),
            cluster: cluster.to_owned(),
        }
    }

    /// Returns the name of the project.
    pub fn project(&self) -> String {
        format!("projects/{}", self.project)
    }

    /// Returns the topic of the cluster's telemetry.
    pub fn topic(&self) -> String {
        self.resource("topics", "telemetry")
    }

    /// Returns the subscription of a consumer group.
    pub fn subscription(&self, group: &str) -> String {
        format!("{}{group}", self.subscription_prefix())
    }

    /// Returns the beginning of the names of all groups' subscriptions.
    pub fn subscription_prefix(&self) -> String {
        self.resource("subscriptions", "telemetry.")
    }

    /// Returns the topic of records that no consumer has acknowledged in many attempts.
    pub fn dead_letter_topic(&self) -> String {
        self.resource("topics", "dead-letters")
    }

    /// Returns the subscription that keeps those records.
    pub fn dead_letter_subscription(&self) -> String {
        self.resource("subscriptions", "dead-letters")
    }

    fn resource(&self, kind: &str, name: &str) -> String {
        let Self { project, cluster } = self;
        // A cluster's name has no dots, so no cluster has a name of another one.
        format!("projects/{project}/{kind}/highwater.{cluster}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_contain_the_project_and_the_cluster() {
        let names = PubSubNames::new("home", "c1");
        assert_eq!(names.topic(), "projects/home/topics/highwater.c1.telemetry");
        assert_eq!(
            names.subscription("dead-letters"),
            "projects/home/subscriptions/highwater.c1.telemetry.dead-letters"
        );
        assert_eq!(
            names.dead_letter_subscription(),
            "projects/home/subscriptions/highwater.c1.dead-letters"
        );
    }
}
